import fp from 'fastify-plugin'
import { invalidField } from './errors/problem.ts'

declare module 'fastify' {
  interface FastifyInstance {
    cleanText: typeof cleanText
    cleanName: typeof cleanName
  }
}

type Limits = { field: string; min?: number; max: number; trim?: boolean }

/**
 * A visible character. Unicode has no property for the listed blank characters: braille, hieroglyphs,
 * a notehead, the object replacement character. ExtPict includes emoji of newer Unicode versions.
 */
const SHOWS =
  /[^\p{White_Space}\p{C}\p{M}\p{DI}\u2800\u{13441}\u{13442}\u{1D159}\uFFFC]|\p{ExtPict}/u
const NONCHARACTER = /\p{NChar}/u
const PRIVATE_USE = /\p{Co}/u
/** UAX #9, sections 2.1 to 2.5, without marks such as U+200F, which do not affect the surrounding text. */
const DIRECTION_CONTROL = /[\u202A-\u202E\u2066-\u2069]/u

/**
 * Invisible characters, but marks of direction, and those that change a visible character before them: joiners in
 * emoji and in scripts whose letters join, variants of glyphs, and the tags of flags.
 */
const UNSEEN =
  /[\p{DI}--[\u061C\u200C-\u200F\p{VS}\u{E0020}-\u{E007F}]]|(?<![\p{ExtPict}\p{EMod}\p{M}[\p{L}--[\p{sc=Latn}\p{sc=Grek}\p{sc=Cyrl}\p{sc=Hani}\p{sc=Hang}]]])[\u200C\u200D]|(?<![\p{Emoji}\p{ExtPict}[\p{L}--[\p{sc=Latn}\p{sc=Grek}\p{sc=Cyrl}]]])\p{VS}|(?<![\p{ExtPict}\u{E0020}-\u{E007F}])[\u{E0020}-\u{E007F}]/v

/**
 * Returns text as it is stored: in NFC, so that equal words have equal bytes, with newlines as LF. `min`
 * and `max` count Unicode code points of the result. Text that is not empty must have a visible character.
 * @throws 400 that names the field
 */
export function cleanText(value: string, { field, min = 0, max, trim = false }: Limits) {
  const clean = value.normalize('NFC').replaceAll(/\r\n?/g, '\n')
  const text = trim ? clean.trim() : clean
  refuse(text, field, NONCHARACTER, 'is a reserved noncharacter of Unicode')
  const mayBeEmpty = min === 0
  if (!SHOWS.test(text) && !(mayBeEmpty && text === '')) {
    const otherwise = mayBeEmpty ? ', or be empty' : ''
    throw invalidField(field, `must have at least one visible character${otherwise}`)
  }
  if ([...text].length > max) {
    throw invalidField(field, `must not have more than ${max} characters`)
  }
  return text
}

/**
 * Returns a name as it is stored, trimmed. Refuses characters that change the direction of surrounding
 * text, are invisible or look different in every font. @throws 400 that names the field
 */
function cleanName(value: string, { field, max }: { field: string; max: number }) {
  const name = cleanText(value, { field, min: 1, max, trim: true })
  refuse(name, field, PRIVATE_USE, 'looks different in every font')
  refuse(name, field, DIRECTION_CONTROL, 'changes the direction of the text around it')
  refuse(name, field, UNSEEN, 'is invisible here')
  return name
}

function refuse(text: string, field: string, pattern: RegExp, reason: string) {
  const [found] = pattern.exec(text) ?? []
  if (found === undefined) return
  const codePoint = found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
  throw invalidField(field, `must not contain U+${codePoint}, which ${reason}; remove it`)
}

export default fp(
  async (app) => {
    app.decorate('cleanText', cleanText)
    app.decorate('cleanName', cleanName)
  },
  { name: 'text' },
)
