import createError from '@fastify/error'
import multipart, { type Multipart } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyRequest {
    /** The bytes of the one file of a multipart body. @throws 400, 413, 415 */
    readFile: (field: string) => Promise<Buffer>
  }
}

/** Bytes; a photograph of a current phone fits. */
const FILE_LIMIT = 8 * 1024 * 1024
/** Bytes of a body that holds such a file and its framing. */
export const FILE_BODY_LIMIT = FILE_LIMIT + 64 * 1024

const NotMultipart = createError(
  'NOT_MULTIPART',
  'Send the file as multipart/form-data with a boundary.',
  415,
)
const FileMissing = createError('FILE_MISSING', 'Send one file in the multipart field "%s".', 400)
const FileTooLarge = createError('FILE_TOO_LARGE', 'The file is larger than 8 MB.', 413)
const BrokenMultipart = createError('INVALID_MULTIPART', 'The multipart body is malformed.', 400)

const MORE_THAN_A_FILE = new Set(['FST_PARTS_LIMIT', 'FST_FILES_LIMIT', 'FST_FIELDS_LIMIT'])

async function readFile(this: FastifyRequest, field: string) {
  if (!this.isMultipart()) throw new NotMultipart()
  try {
    let bytes: Buffer | undefined
    for await (const part of this.parts()) bytes = await readPart(part, field)
    if (!bytes) throw new FileMissing(field)
    return bytes
  } catch (error) {
    throw translate(error as Error & { statusCode?: number; code?: string }, field)
  }
}

async function readPart(part: Multipart, field: string) {
  if (part.type !== 'file') throw new FileMissing(field)
  if (part.fieldname !== field) {
    part.file.resume()
    throw new FileMissing(field)
  }
  const bytes = await part.toBuffer()
  // Not thrown by the package when what is too much arrives after the last chunk it read.
  if (part.file.truncated) throw new FileTooLarge()
  return bytes
}

function translate(error: Error & { statusCode?: number; code?: string }, field: string) {
  if (error.code === 'FST_REQ_FILE_TOO_LARGE') return new FileTooLarge()
  if (MORE_THAN_A_FILE.has(error.code ?? '')) return new FileMissing(field)
  if (error.statusCode !== undefined) return error
  return Object.assign(new BrokenMultipart(), { cause: error })
}

export default fp(
  async (app) => {
    await app.register(multipart, {
      limits: { fileSize: FILE_LIMIT, files: 1, fields: 0, parts: 1, headerPairs: 20 },
    })
    app.decorateRequest('readFile', readFile)
  },
  { name: 'multipart' },
)
