import { type Env, listOf, parseConfig } from '../config/index.ts'
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
      const app = await boot(await featuresOf(env, skipped), skipped)
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

/**
 * Reads and judges every setting, and does nothing else. Those of optional extensions are left to
 * their start, which may go without them.
 * @throws ConfigError, ExtensionError
 */
export async function judgeSettings(env: Env) {
  const optional = listOf(env.EXTENSIONS_OPTIONAL ?? '').map(
    (entry) => [nameOf(entry), ''] as const,
  )
  return parseConfig(env, await featuresOf(env, new Map(optional)))
}

/** Wrong settings of the kernel are told before an extension that cannot be imported. */
const featuresOf = (env: Env, without: Skipped) =>
  discover(listOf(env.EXTENSIONS ?? ''), without).catch((error) => {
    parseConfig(env)
    throw error
  })
