import { pipeline } from 'node:stream/promises'
import createError from '@fastify/error'
import type { MultipartValue } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { FORMAT_MESSAGES, invalidField } from '../errors.ts'
import { TEXT } from '../validation.ts'
import { toDisk } from './disk.ts'
import type { UploadOptions } from './index.ts'
import { noRoom } from './room.ts'

/** Bytes; a photograph of a current phone fits. */
export const FILE_LIMIT = 8 * 1024 * 1024
/** Bytes of one text field: 1,500 characters in any script, before normalisation. */
export const FIELD_LIMIT = 32 * 1024

const FileMissing = createError('FILE_MISSING', 'Send one file in the multipart field "%s"%s.', 400)
const FileTooLarge = createError('FILE_TOO_LARGE', 'The file is larger than 8 MB.', 413)
const BrokenMultipart = createError('INVALID_MULTIPART', 'The multipart body is malformed.', 400)

const MORE_THAN_A_FILE = new Set(['FST_PARTS_LIMIT', 'FST_FILES_LIMIT', 'FST_FIELDS_LIMIT'])

/** Streams the file to `path`; returns the fields beside it. @throws FileMissing, FileTooLarge, ... */
export async function receive(
  request: FastifyRequest,
  field: string,
  path: string,
  { fields: wanted = [], others = 'refused' }: UploadOptions = {},
) {
  const fields: Record<string, string> = {}
  const missing = () =>
    new FileMissing(field, others === 'refused' ? ` and nothing else${beside(wanted)}` : '')
  let received = false
  try {
    // To the end: what is wrong after the file, or too much of it arriving late, shows only there.
    for await (const part of request.parts({ limits: limitsFor(wanted.length, others) })) {
      if (part.type === 'field') {
        if (wanted.includes(part.fieldname)) fields[part.fieldname] = textOf(part)
        else if (others === 'refused') throw missing()
      } else if (part.fieldname === field && !received) {
        received = true
        await pipeline(part.file, toDisk(path), { signal: request.abandoned })
      } else {
        part.file.resume()
        if (others === 'refused') throw missing()
      }
    }
  } catch (error) {
    request.abandoned.throwIfAborted()
    throw translate(error as Error & { statusCode?: number; code?: string }, missing)
  }
  if (!received) throw missing()
  return fields
}

const beside = (fields: string[]) => fields.map((name) => `, or "${name}" beside it`).join('')

function limitsFor(fields: number, others: 'refused' | 'ignored') {
  const shared = { fieldSize: FIELD_LIMIT, fieldNameSize: 100 }
  if (others === 'ignored') return { ...shared, files: 10, fields: 10, parts: 20 }
  return { ...shared, files: 1, fields, parts: 1 + fields }
}

function textOf({ fieldname, value, valueTruncated }: MultipartValue) {
  if (valueTruncated) throw invalidField(fieldname, 'is too long')
  if (typeof value !== 'string' || !TEXT.test(value))
    throw invalidField(fieldname, FORMAT_MESSAGES.text)
  return value
}

type Thrown = Error & { statusCode?: number; code?: string; syscall?: string }

function translate(error: Thrown, missing: () => Error) {
  if (error.code === 'FST_REQ_FILE_TOO_LARGE') return new FileTooLarge()
  if (MORE_THAN_A_FILE.has(error.code ?? '')) return missing()
  if (error.statusCode !== undefined) return error
  // The client's end of it is read; what is opened, written and closed is ours.
  if (/open|write|close/.test(error.syscall ?? '')) return noRoom(error)
  return Object.assign(new BrokenMultipart(), { cause: error })
}
