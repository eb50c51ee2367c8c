import { type Env, listOf } from '../config.ts'
import { discover, nameOf } from './discover.ts'
import { ExtensionError } from './error.ts'
import type { Feature } from './feature.ts'

type Skipped = ReadonlyMap<string, string>

/**
 * Runs `boot` with every feature. When an extension named in EXTENSIONS_OPTIONAL is what fails, it
 * is run once more without that one: a half-loaded plugin would fail at its first request.
 */
export async function withoutBroken<App extends { log: { error: (line: string) => void } }>(
  env: Env,
  boot: (features: Feature[], skipped: Skipped) => Promise<App>,
) {
  const optional = new Set(listOf(env.EXTENSIONS_OPTIONAL ?? '').map(nameOf))
  const skipped = new Map<string, string>()
  for (;;) {
    try {
      const app = await boot(await discover(listOf(env.EXTENSIONS ?? ''), skipped), skipped)
      for (const [name, reason] of skipped) {
        app.log.error(`RUNNING WITHOUT THE EXTENSION ${name}, which failed to start. ${reason}`)
      }
      return app
    } catch (error) {
      const name = error instanceof ExtensionError ? error.extension : ''
      if (!optional.has(name) || skipped.has(name)) throw error
      skipped.set(name, (error as Error).message)
    }
  }
}
