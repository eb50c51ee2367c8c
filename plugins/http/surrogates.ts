/** JSON in UTF-8 can hold half of a surrogate pair only as an escape. */
const ESCAPED = /\\ud[89a-f]/i

/**
 * Returns the path of a string in parsed JSON that has half of a surrogate pair, such as `text` or
 * `mediaIds/0`. The database refuses such a string, and hashing replaces the half by U+FFFD.
 */
export function findLoneSurrogate(json: string, parsed: unknown) {
  if (!ESCAPED.test(json)) return undefined
  // Not recursive, because JSON may be nested deeper than the call stack allows.
  const unchecked: [path: string, value: unknown][] = [['', parsed]]
  for (let next = unchecked.pop(); next; next = unchecked.pop()) {
    const [path, value] = next
    if (typeof value === 'string' && !value.isWellFormed()) return path
    if (typeof value !== 'object' || value === null) continue
    for (const [key, child] of Object.entries(value)) {
      if (!key.isWellFormed()) return path
      unchecked.push([path ? `${path}/${key}` : key, child])
    }
  }
  return undefined
}
