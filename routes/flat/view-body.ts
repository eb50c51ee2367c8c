import createError from '@fastify/error'
import type { FastifyInstance, FastifyRequest } from 'birdhouse'
import { Value } from 'typebox/value'
import { ViewBody } from './schemas.ts'

/** Bytes; a body with an id has about 30. */
const LIMIT = 1024

const BodyTooLarge = createError(
  'BODY_TOO_LARGE',
  `The body is too large; send at most ${LIMIT} bytes.`,
  413,
)
const IdMissing = createError(
  'ID_MISSING',
  'The id is missing or malformed; send {"id": 1} or ?id=1.',
  400,
)

/** Reads the id from the JSON body of a GET, which Fastify does not parse. @throws 400, 413, 415 */
export async function readViewId(app: FastifyInstance, { raw, cancelled }: FastifyRequest) {
  const chunks: Buffer[] = []
  let size = 0
  // Events, not an iterator: leaving an iterator early keeps the socket open after the client is gone.
  await new Promise<void>((resolve, reject) => {
    // The client may have gone before the listeners are set; then no event follows.
    cancelled.throwIfAborted()
    raw.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= LIMIT) chunks.push(chunk)
      else reject(new BodyTooLarge())
    })
    raw.once('end', resolve).once('error', reject).once('close', resolve)
  })
  const body = parse(app.decodeUtf8(Buffer.concat(chunks), raw.headers['content-type']))
  if (!Value.Check(ViewBody, body) || !Number.isSafeInteger(Number(body.id))) throw new IdMissing()
  return Number(body.id)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new IdMissing()
  }
}
