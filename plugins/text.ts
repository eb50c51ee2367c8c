import fp from 'fastify-plugin'
import { invalidField } from './errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    cleanText: typeof cleanText
  }
}

/** A schema counts code points before NFC, which at most quarters them: Greek with three marks. */
export const BEFORE_NFC = 4

type Limits = { field: string; min?: number; max: number; trim?: boolean }

/**
 * A character that shows. Unicode has no property for the blank ones that are written out: braille,
 * hieroglyphs, a notehead, and the place of an object. Unassigned emoji are those of a newer Unicode.
 */
const SHOWS =
  /[^\p{White_Space}\p{C}\p{M}\p{DI}\u2800\u{13441}\u{13442}\u{1D159}\uFFFC]|\p{ExtPict}/u
const NONCHARACTER = /\p{NChar}/u
const PRIVATE_USE = /\p{Co}/u
/** UAX #9, sections 2.1 to 2.5; marks such as U+200F turn nothing around and are not among them. */
const DIRECTION_CONTROL = /[\u202A-\u202E\u2066-\u2069]/u

/**
 * Text as it is stored: NFC, so that equal words are equal bytes, and newlines as LF. Counted in
 * Unicode code points after that; unless it is empty, something in it shows.
 * @throws 400 that names the field.
 */
export function cleanText(value: string, { field, min = 0, max, trim = false }: Limits) {
  const clean = value.normalize('NFC').replaceAll(/\r\n?/g, '\n')
  const text = trim ? clean.trim() : clean
  refuse(text, field, NONCHARACTER, 'Unicode reserves and which is no character')
  const mayBeEmpty = min === 0
  if (!SHOWS.test(text) && !(mayBeEmpty && text === '')) {
    const otherwise = mayBeEmpty ? ', or be empty' : ''
    throw invalidField(field, `must have at least one character that shows${otherwise}`)
  }
  if ([...text].length > max) {
    throw invalidField(field, `must not have more than ${max} characters`)
  }
  return text
}

/**
 * A name as it is stored, trimmed: it stands within other text, so it leaves that as it is, and it
 * looks the same in every font. @throws 400 that names the field.
 */
export function cleanName(value: string, { field, max }: { field: string; max: number }) {
  const name = cleanText(value, { field, min: 1, max, trim: true })
  refuse(name, field, PRIVATE_USE, 'looks different in every font')
  refuse(name, field, DIRECTION_CONTROL, 'changes the direction of the text around it')
  return name
}

function refuse(text: string, field: string, pattern: RegExp, reason: string) {
  const [found] = pattern.exec(text) ?? []
  if (found === undefined) return
  const codePoint = found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
  throw invalidField(field, `must not have U+${codePoint}, which ${reason}; remove it`)
}

export default fp(async (app) => void app.decorate('cleanText', cleanText), { name: 'text' })
