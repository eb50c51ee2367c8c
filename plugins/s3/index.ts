import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import pTimeout from 'p-timeout'
import { CLIENT_BOUNDS, createBounds, DEADLINE, StorageUnavailable, unavailable } from './bounds.ts'
import { addDigests } from './digest.ts'
import { createSigner } from './signing.ts'

declare module 'fastify' {
  interface FastifyInstance {
    s3: ReturnType<typeof createS3>
  }
}

/** Milliseconds: `/readyz` does not wait longer; at first credentials may have to be fetched. */
const CHECK_TIMEOUT = 2_000
const BOOT_TIMEOUT = 8_000
/** The protocol takes a thousand; a store that deletes one by one is not through with them in time. */
const REMOVED_AT_ONCE = 50

function createS3(app: FastifyInstance, client: S3Client, url: (key: string) => string) {
  const Bucket = app.config.s3.bucket
  const bounded = createBounds()

  /** Stores an object under a key that is never used for other bytes. @throws StorageUnavailable */
  const put = (Key: string, Body: Buffer, ContentType: string) =>
    bounded((abortSignal) => {
      const command = new PutObjectCommand({
        Bucket,
        Key,
        Body,
        ContentType,
        ContentDisposition: 'inline',
        CacheControl: 'public, max-age=31536000, immutable',
      })
      return client.send(command, { abortSignal })
    })

  /** The whole object; for small ones. @throws StorageUnavailable */
  const get = (Key: string) =>
    bounded(async (abortSignal) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }), { abortSignal })
      return Body?.transformToByteArray() ?? new Uint8Array()
    })

  /**
   * Deletes objects; those that do not exist count as deleted. @throws StorageUnavailable when some
   * may be left
   */
  async function remove(keys: string[]) {
    for (let i = 0; i < keys.length; i += REMOVED_AT_ONCE) {
      const Objects = keys.slice(i, i + REMOVED_AT_ONCE).map((Key) => ({ Key }))
      const command = new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } })
      const { Errors = [] } = await bounded((abortSignal) =>
        client.send(command, { abortSignal, requestTimeout: DEADLINE }),
      )
      if (Errors.length > 0) throw new StorageUnavailable()
    }
  }

  /**
   * Up to 1,000 objects whose keys begin with `prefix` and come after `after`, in the order of their
   * keys; `next` is what to go on after, or null at the end. @throws StorageUnavailable
   */
  async function list(prefix: string, after?: string) {
    const command = new ListObjectsV2Command({
      Bucket,
      Prefix: prefix,
      ...(after && { StartAfter: after }),
    })
    const { Contents = [], IsTruncated } = await bounded((abortSignal) =>
      client.send(command, { abortSignal }),
    )
    const objects = Contents.flatMap(({ Key, LastModified }) =>
      Key && LastModified ? [{ key: Key, lastModified: LastModified }] : [],
    )
    return { objects, next: IsTruncated ? (objects.at(-1)?.key ?? null) : null }
  }

  let checking: Promise<unknown> | undefined

  /** Is the bucket there? Asked once at a time, beside the bounds. @throws StorageUnavailable */
  function check(milliseconds = CHECK_TIMEOUT) {
    checking ??= unavailable(ask(milliseconds)).finally(() => {
      checking = undefined
    })
    return checking
  }

  function ask(milliseconds: number) {
    const abortSignal = AbortSignal.timeout(milliseconds)
    const asking = client.send(new HeadBucketCommand({ Bucket }), { abortSignal })
    // The signal alone would not end a wait for credentials.
    return pTimeout(asking, { milliseconds })
  }

  return { client, put, get, remove, list, check, url }
}

/** Public URLs for keys: plain ones, or signed ones for a private bucket. */
async function createUrls(app: FastifyInstance, client: S3Client) {
  const { mediaBaseUrl, s3 } = app.config
  if (!s3.presign) return (key: string) => `${mediaBaseUrl}/${key}`
  const place = { base: mediaBaseUrl, region: s3.region }
  const signer = await createSigner(place, client.config.credentials, app.log)
  app.addHook('onClose', async () => signer.stop())
  return signer.url
}

export default fp(
  async (app) => {
    const { endpoint, region, forcePathStyle, bucket } = app.config.s3
    const client = new S3Client({
      ...(endpoint && { endpoint }),
      region,
      forcePathStyle,
      ...CLIENT_BOUNDS,
    })
    addDigests(client)
    app.addHook('onClose', async () => client.destroy())
    const explain = (error: Error) => {
      const { name } = (error.cause as Error | undefined) ?? error
      throw new Error(
        `The bucket ${bucket} cannot be reached (${name}). Check S3_BUCKET, S3_REGION, S3_ENDPOINT and the credentials.`,
        { cause: error },
      )
    }
    const url = await createUrls(app, client).catch(explain)
    app.decorate('s3', createS3(app, client, url))
    await app.s3.check(BOOT_TIMEOUT).catch(explain)
  },
  { name: 's3', dependencies: ['config'] },
)
