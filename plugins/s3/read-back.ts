import { randomUUID } from 'node:crypto'
import createError from '@fastify/error'
import { ExponentialBackoff, handleAll, retry } from 'cockatiel'
import type { FastifyInstance } from 'fastify'
import { adviseBucket } from './advice.ts'

/** A stored picture cannot be read at the address that clients get. */
export const PictureUnreadable = createError('PICTURE_UNREADABLE', '%s')

/** Milliseconds of one try to read. */
const READ_TIMEOUT = 1_500
/** Milliseconds: health probes must not make the service write all the time. */
const RETRY_AFTER = 5_000
/** Retries, for stores whose objects appear a moment after they are stored. */
const RETRIES = 2
const PICTURE = Buffer.from(
  'UklGRjgAAABXRUJQVlA4ICwAAACQAQCdASoBAAEAAUAmJaACdLoAA5gA/vBTH+j64RZGX/7Gb/56P/z0f6hgAA==',
  'base64',
)

type Store = Pick<FastifyInstance['s3'], 'put' | 'remove' | 'url'>

/**
 * Returns a check that stores a picture, fetches it as clients do and deletes it. After a success the
 * check does nothing; a failure is repeated for RETRY_AFTER without another try.
 * @throws PictureUnreadable that says what to check, or another Error when the picture cannot be stored
 */
export function createReadBack(app: FastifyInstance, s3: Store) {
  let proof: Promise<void> | undefined

  async function prove() {
    // When the process dies here, the task `media:sweep` purges the picture, which has no row.
    const key = `media/${randomUUID()}/1.webp`
    await s3.put(key, PICTURE, 'image/webp').catch((error) => {
      throw adviseBucket(error.cause ?? error, app.config.s3)
    })
    try {
      const read = retry(handleAll, { maxAttempts: RETRIES, backoff: new ExponentialBackoff() })
      await read.execute(() => fetchPicture(s3.url(key)))
    } finally {
      // Not awaited: a slow store must not use up the time of the start.
      s3.remove([key]).catch((err) => {
        app.log.warn({ err, key }, 'an object was not deleted; grant the right s3:DeleteObject')
      })
    }
  }

  async function fetchPicture(url: string) {
    const signal = AbortSignal.timeout(READ_TIMEOUT)
    const response = await fetch(url, { signal }).catch((error: Error) => error)
    const base = url.replace(/\?.*/, '')
    const problem = `A picture was stored in the bucket ${app.config.s3.bucket}, but its address ${base}`
    if (response instanceof Error) {
      const { code, message } = (response.cause ?? response) as NodeJS.ErrnoException
      throw new PictureUnreadable(`${problem} cannot be reached (${code || message}). ${advice()}`)
    }
    const { status, headers } = response
    await response.body?.cancel()
    if (status !== 200)
      throw new PictureUnreadable(`${problem} answers ${status}. ${advice(status)}`)
    const type = headers.get('content-type')
    // A CDN may convert the picture, so only the kind of content is checked.
    if (!type?.startsWith('image/'))
      throw new PictureUnreadable(`${problem} answers with ${type}. ${advice()}`)
  }

  function advice(status?: number) {
    const { mediaBaseUrl, s3 } = app.config
    const refused = status === 401 || status === 403
    if (mediaBaseUrl) {
      return refused
        ? 'Let the server behind MEDIA_BASE_URL read the bucket.'
        : 'Check that MEDIA_BASE_URL leads to the bucket, with its path.'
    }
    if (refused && s3.presign) {
      return 'Check that the credentials have the right s3:GetObject, S3_REGION, and the clock of this machine.'
    }
    return refused
      ? 'The bucket is not public: set S3_PRESIGN to true, or MEDIA_BASE_URL to a CDN that may read it, or let everyone read it.'
      : 'Check S3_ENDPOINT and S3_FORCE_PATH_STYLE, or set MEDIA_BASE_URL to where the pictures can be fetched.'
  }

  return () => {
    proof ??= prove().catch((error) => {
      setTimeout(() => {
        proof = undefined
      }, RETRY_AFTER).unref()
      throw error
    })
    return proof
  }
}
