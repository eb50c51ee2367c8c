/** A part of answers and its JSON, with one byte of UTF-8 as each character, so that a page is made by joining texts. */
export type Part<Value extends object> = { readonly value: Value; readonly text: string }

/** Most parts of a page are in thousands of pages: their text is made once, when a page needs it. */
export function toPart<Value extends object>(value: Value): Part<Value> {
  let text: string | undefined
  return {
    value,
    get text() {
      text ??= toBytes(value)
      return text
    },
  }
}

export const toBytes = (value: object) => Buffer.from(JSON.stringify(value)).toString('latin1')

/** The members of a JSON object, without the braces. */
export const inner = (text: string) => text.slice(1, -1)

/** Keeps what is made of an object as long as the object, and makes it again when a value that it depends on changes. */
export function createMemo<Of extends object, Made>() {
  const known = new WeakMap<Of, { by: unknown[]; made: Made }>()
  return (of: Of, by: unknown[], make: () => Made) => {
    const one = known.get(of)
    if (one?.by.every((value, n) => value === by[n])) return one.made
    const made = make()
    known.set(of, { by, made })
    return made
  }
}
