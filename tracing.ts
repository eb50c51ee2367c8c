import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { readEnv } from './plugins/config/index.ts'

// server.ts imports this module before all others: the packages of tracing/ change modules such as mysql2 when
// these are loaded for the first time. `require` is synchronous, while an import that awaits lets later imports go on.

type Tracing = { ids: () => object; stop: () => Promise<void> }

export const tracing = readEnv().OTEL_EXPORTER_OTLP_ENDPOINT ? load() : undefined

function load(): Tracing {
  const require = createRequire(import.meta.url)
  if (existsSync(join(import.meta.dirname, 'tracing/node_modules')))
    return require('./tracing/start.ts')
  console.error(
    'OTEL_EXPORTER_OTLP_ENDPOINT is set: install the packages for traces with `npm ci --prefix tracing`, or leave the setting out.',
  )
  process.exit(1)
}
