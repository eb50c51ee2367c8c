const FLAGS = new Map<unknown, boolean>([
  ...['1', 't', 'on', 'yes', 'true'].map((word) => [word, true] as const),
  ...['0', 'f', 'off', 'no', 'false'].map((word) => [word, false] as const),
])

type Schema = { type?: string; properties?: Record<string, Schema> }

/** Replaces what forms say for true and false, such as `1` and `True`, where the schema has a boolean. */
export function readFlags({ properties = {} }: Schema, data: unknown) {
  if (typeof data !== 'object' || data === null) return
  const fields = data as Record<string, unknown>
  for (const [name, schema] of Object.entries(properties)) {
    const value = fields[name]
    if (schema.type === 'object') readFlags(schema, value)
    if (schema.type !== 'boolean' || typeof value !== 'string') continue
    if (value === '') delete fields[name]
    else fields[name] = FLAGS.get(value.toLowerCase()) ?? value
  }
}
