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
 * Text as it is stored: NFC, so that equal words are equal bytes, and newlines as LF. Counted in
 * Unicode code points after that; text without anything visible counts as empty.
 * @throws 400 that names the field.
 */
export function cleanText(value: string, { field, min = 0, max, trim = false }: Limits) {
  const clean = value.normalize('NFC').replaceAll(/\r\n?/g, '\n')
  const text = trim ? clean.trim() : clean
  const visible = /[^\s\p{Cf}\p{Z}\p{M}]/u.test(text)
  if (min > 0 && !visible) throw invalidField(field, 'must not be empty')
  if ([...text].length > max) {
    throw invalidField(field, `must not have more than ${max} characters`)
  }
  return text
}

export default fp(async (app) => void app.decorate('cleanText', cleanText), { name: 'text' })
