import type { Settings } from 'fastify'
import { Value } from 'typebox/value'
import { ExtensionError } from './error.ts'
import type { Feature } from './feature.ts'

type Env = Record<string, string | undefined>

/**
 * Each extension's own settings. `problems` has a line for each that is wrong, `left` the first
 * optional extension that can't have what it asks for. Values are never shown, they may be secret.
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
    const given = Object.fromEntries(
      Object.keys(settings.properties).flatMap((key) => (env[key] ? [[key, env[key]]] : [])),
    )
    const value = Value.Default(settings, Value.Convert(settings, given))
    const wrong = problemsOf(name, settings, value)
    if (wrong.length > 0 && optional.includes(name)) {
      left ??= new ExtensionError(name, `it lacks settings:\n${wrong.join('\n')}`)
    } else problems.push(...wrong)
    values[name] = value
  }
  // Each value was checked by the schema that its extension merged the type of.
  return { problems, left, values: values as unknown as Settings }
}

function problemsOf(extension: string, settings: NonNullable<Feature['settings']>, value: unknown) {
  const errors = Value.Errors(settings, value)
  const names = errors.flatMap((error) =>
    error.keyword === 'required'
      ? error.params.requiredProperties
      : [error.instancePath.split('/')[1] ?? ''],
  )
  return [...new Set(names)].filter(Boolean).map((name) => {
    const property = settings.properties[name] as { description?: string } | undefined
    const own = errors.find((one) => one.keyword === '~refine' && one.instancePath === `/${name}`)
    const sentence = own?.message ?? `set it to ${property?.description ?? 'a valid value'}`
    return `- ${name} (${extension}): ${sentence}`
  })
}
