/** JSON in UTF-8 can hold half of a surrogate pair as an escape alone. */
const ESCAPED = /\\ud[89a-f]/i

/**
 * The path of a string in a parsed JSON text that has half of a surrogate pair, such as `text` or
 * `mediaIds/0`. No database takes such a string, and hashing one would put U+FFFD for it.
 */
export function findLoneSurrogate(json: string, parsed: unknown) {
  if (!ESCAPED.test(json)) return undefined
  // Not recursive: JSON may be nested deeper than the stack is.
  const left: [path: string, value: unknown][] = [['', parsed]]
  for (let next = left.pop(); next; next = left.pop()) {
    const [path, value] = next
    if (typeof value === 'string' && !value.isWellFormed()) return path
    if (typeof value !== 'object' || value === null) continue
    for (const [key, child] of Object.entries(value)) {
      if (!key.isWellFormed()) return path
      left.push([path ? `${path}/${key}` : key, child])
    }
  }
  return undefined
}
