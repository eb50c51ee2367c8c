import { isUtf8 } from 'node:buffer'
import { pipeline } from 'node:stream/promises'
import createError from '@fastify/error'
import type { MultipartFile } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { FORMAT_MESSAGES, invalidField } from '../errors/problem.ts'
import { TEXT } from '../validation.ts'
import { toDisk } from './disk.ts'
import { noRoom } from './room.ts'

export type UploadOptions = {
  /** Names of text fields that may accompany the file, each once. */
  fields?: string[]
  /** Handling of any other part; `refused` by default. */
  others?: 'refused' | 'ignored'
}

/** Bytes of a file, at most; a photograph of a current phone fits. */
export const FILE_LIMIT = 8 * 1024 * 1024
/** Bytes of one text field, at most: 1,500 characters of any script before normalisation. */
export const FIELD_LIMIT = 32 * 1024

const FileMissing = createError('FILE_MISSING', 'Send one file in the multipart field "%s"%s.', 400)
export const FileTooLarge = createError('FILE_TOO_LARGE', 'The file is larger than 8 MB.', 413)
const BrokenMultipart = createError('INVALID_MULTIPART', 'The multipart body is malformed.', 400)

const TOO_MANY_PARTS = new Set(['FST_PARTS_LIMIT', 'FST_FILES_LIMIT'])

/**
 * Streams the file to `path` and returns the text fields. Stops when `signal` aborts.
 * @throws FileMissing, FileTooLarge, BrokenMultipart, NO_ROOM, or 400 that names a text field
 */
export async function receive(
  request: FastifyRequest,
  field: string,
  path: string,
  { fields: wanted = [], others = 'refused', signal }: UploadOptions & { signal: AbortSignal },
) {
  const fields: Record<string, string> = {}
  const missing = () => fileMissing(field, wanted, others)
  let received = false
  try {
    // Reads to the end, because errors and excess parts after the file show only there.
    const parts = others === 'ignored' ? 20 : 1 + wanted.length
    for await (const part of request.files(optionsFor(parts))) {
      if (part.fieldname === field && !isText(part) && !received) {
        received = true
        await store(part, path, signal)
      } else if (wanted.includes(part.fieldname) && isText(part)) {
        fields[part.fieldname] = await textOf(part)
      } else {
        part.file.resume()
        if (others === 'refused') throw missing()
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    throw translate(error as Thrown, missing)
  }
  if (!received) throw missing()
  return fields
}

export function fileMissing(field: string, fields: string[] = [], others = 'refused') {
  const beside = fields.map((name) => `, or "${name}" beside it`).join('')
  return new FileMissing(field, others === 'refused' ? ` and nothing else${beside}` : '')
}

export function optionsFor(parts: number) {
  // Every part counts as a file, because the parser replaces malformed bytes of text by U+FFFD.
  return { limits: { fieldNameSize: 100, files: parts, parts }, isPartAFile: () => true }
}

/** Stops reading a file that is too large. @throws FileTooLarge */
export async function store({ file }: MultipartFile, path: string, signal: AbortSignal) {
  file.once('limit', () => file.destroy(new FileTooLarge()))
  await pipeline(file, toDisk(path), { signal })
}

/** RFC 7578, section 4.2. */
export const isText = ({ filename, mimetype }: MultipartFile) =>
  filename === undefined && mimetype !== 'application/octet-stream'

export async function textOf({ fieldname, file }: MultipartFile) {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of file) {
    size += chunk.length
    if (size > FIELD_LIMIT) throw invalidField(fieldname, 'is too long')
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  if (!isUtf8(bytes)) throw invalidField(fieldname, 'must be UTF-8')
  const text = bytes.toString()
  if (!TEXT.test(text)) throw invalidField(fieldname, FORMAT_MESSAGES.text)
  return text
}

export type Thrown = Error & { statusCode?: number; code?: string; syscall?: string }

export function translate(error: Thrown, missing: () => Error) {
  if (error.code === 'FST_REQ_FILE_TOO_LARGE') return new FileTooLarge()
  if (TOO_MANY_PARTS.has(error.code ?? '')) return missing()
  if (error.statusCode !== undefined) return error
  // The server opens, writes and closes the file; errors of the client's connection are reads.
  if (/open|write|close/.test(error.syscall ?? '')) return noRoom(error)
  return Object.assign(new BrokenMultipart(), { cause: error })
}
