import createError from '@fastify/error'
import type { FastifyRequest } from 'fastify'
import { isText, optionsFor, store, type Thrown, textOf, translate } from './receive.ts'

/** Fields of a form, files included. */
export const MOST = 50

const FileUnexpected = createError('FILE_UNEXPECTED', 'No file is taken in the field "%s"%s.', 400)
const TooManyFields = createError('TOO_MANY_FIELDS', `Send at most ${MOST} fields.`, 400)

/**
 * Streams the files that are sent in these fields to their paths. Returns the names of these files, and the text
 * fields as an encoded form. @throws FileUnexpected, TooManyFields and as `receive`
 */
export async function receiveForm(
  request: FastifyRequest,
  paths: Map<string, string>,
  signal: AbortSignal,
) {
  const fields = new URLSearchParams()
  const names = new Set<string>()
  try {
    for await (const part of request.files(optionsFor(MOST))) {
      const { fieldname: name, filename, file } = part
      const path = paths.get(name)
      if (isText(part)) fields.append(name, await textOf(part))
      // A browser sends this for a file that nobody has chosen.
      else if (filename === '') file.resume()
      else if (path === undefined || names.has(name)) throw unexpected(name, paths)
      else {
        names.add(name)
        await store(part, path, signal)
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    // Any error that is thrown is an Error.
    throw translate(error as Thrown, () => new TooManyFields())
  }
  return { names, form: fields.toString() }
}

function unexpected(name: string, paths: Map<string, string>) {
  const taken = Array.from(paths.keys(), (one) => `"${one}"`).join(' and ')
  return new FileUnexpected(name, taken && `; one is taken in ${taken}`)
}
