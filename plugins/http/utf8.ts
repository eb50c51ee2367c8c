import { isUtf8 } from 'node:buffer'
import createError from '@fastify/error'

const InvalidUtf8 = createError('INVALID_UTF8', 'The body is not valid UTF-8; send UTF-8.', 400)
const UnsupportedCharset = createError(
  'UNSUPPORTED_CHARSET',
  'The charset %s is not supported; send UTF-8.',
  415,
)

const UTF8 = /^(?:utf-?8|us-ascii)$/i

/** @throws UnsupportedCharset when a Content-Type names another charset (RFC 8259, section 8.1) */
export function assertUtf8Type(contentType = '') {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1]
  if (charset !== undefined && !UTF8.test(charset)) throw new UnsupportedCharset(charset)
}

/** Decodes a body; `toString` would replace malformed bytes by U+FFFD. @throws InvalidUtf8, UnsupportedCharset */
export function decodeUtf8(bytes: Buffer, contentType?: string) {
  assertUtf8Type(contentType)
  if (!isUtf8(bytes)) throw new InvalidUtf8()
  return bytes.toString()
}
