import type { Settings } from 'fastify'
import { judge } from '../config/setting.ts'
import { ExtensionError } from './error.ts'
import type { Feature } from './feature.ts'

type Env = Record<string, string | undefined>

/**
 * Each extension's own settings. `problems` has a line for each that is wrong, `left` the first
 * optional extension that can't have what it asks for.
 */
export function readSettings(
  features: Feature[],
  env: Env,
  reserved: string[],
  optional: string[],
) {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  const owners = new Map<string, string>()
  let left: ExtensionError | undefined
  for (const { name, settings } of features) {
    if (!settings) continue
    for (const key of Object.keys(settings.properties)) {
      const owner = reserved.includes(key) ? 'the kernel' : owners.get(key)
      if (owner) {
        throw new ExtensionError(
          name,
          `its setting ${key} is taken by ${owner}; call it otherwise.`,
        )
      }
      owners.set(key, name)
    }
    const { values: value, problems: wrong } = judge(settings, env, name)
    if (wrong.length > 0 && optional.includes(name)) {
      left ??= new ExtensionError(name, `it lacks settings:\n${wrong.join('\n')}`)
    } else problems.push(...wrong)
    values[name] = value
  }
  // Each value was checked by the schema that its extension merged the type of.
  return { problems, left, values: values as unknown as Settings }
}
