import '../local/node-version.ts'
import { type Env, listOf, parseConfig, readEnv } from '../plugins/config.ts'
import { discover } from '../plugins/features/discover.ts'

// Runs before PM2 does, which would start a service with wrong settings again and again, and
// leave the reason in a log file.

try {
  const env: Env = { ...readEnv(), NODE_ENV: 'production' }
  const optional = new Map(listOf(env.EXTENSIONS_OPTIONAL ?? '').map((name) => [name, '']))
  parseConfig(env, await discover(listOf(env.EXTENSIONS ?? ''), optional))
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
