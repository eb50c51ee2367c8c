import createError from '@fastify/error'
import multipart from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * The bytes of the one file of a multipart body; what else the body holds is refused, or
     * ignored within limits. @throws 400, 413, 415
     */
    readFile: (field: string, others?: 'refused' | 'ignored') => Promise<Buffer>
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

const ONE_FILE = { files: 1, fields: 0, parts: 1 }
const SEVERAL_PARTS = { files: 10, fields: 10, parts: 20 }
const MORE_THAN_A_FILE = new Set(['FST_PARTS_LIMIT', 'FST_FILES_LIMIT', 'FST_FIELDS_LIMIT'])

async function readFile(this: FastifyRequest, field: string, others = 'refused') {
  if (!this.isMultipart()) throw new NotMultipart()
  const limits = others === 'ignored' ? SEVERAL_PARTS : ONE_FILE
  try {
    let bytes: Buffer | undefined
    // To the end: what is wrong after the file, or too much of it arriving late, shows only there.
    for await (const part of this.parts({ limits })) {
      const wanted = part.type === 'file' && part.fieldname === field && !bytes
      if (wanted) bytes = await part.toBuffer()
      else if (part.type === 'file') part.file.resume()
      if (!wanted && others === 'refused') throw new FileMissing(field)
    }
    if (!bytes) throw new FileMissing(field)
    return bytes
  } catch (error) {
    throw translate(error as Error & { statusCode?: number; code?: string }, field)
  }
}

function translate(error: Error & { statusCode?: number; code?: string }, field: string) {
  if (error.code === 'FST_REQ_FILE_TOO_LARGE') return new FileTooLarge()
  if (MORE_THAN_A_FILE.has(error.code ?? '')) return new FileMissing(field)
  if (error.statusCode !== undefined) return error
  return Object.assign(new BrokenMultipart(), { cause: error })
}

export default fp(
  async (app) => {
    await app.register(multipart, { limits: { fileSize: FILE_LIMIT, headerPairs: 20 } })
    app.decorateRequest('readFile', readFile)
  },
  { name: 'multipart' },
)
