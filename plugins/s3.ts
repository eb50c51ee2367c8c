import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import createError from '@fastify/error'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    s3: ReturnType<typeof createS3>
  }
}

/** Milliseconds: to connect, and for one try of one call. */
const TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true }
const MAX_ATTEMPTS = 3

const StorageUnavailable = createError(
  'STORAGE_UNAVAILABLE',
  'The object store cannot be reached right now; nothing was changed, try again.',
  503,
)

function createS3(app: FastifyInstance, client: S3Client) {
  const Bucket = app.config.s3.bucket

  async function guarded<T>(work: Promise<T>) {
    return work.catch((cause) => {
      throw Object.assign(new StorageUnavailable(), { cause })
    })
  }

  /** Stores an object under a key that is never used for other bytes. @throws StorageUnavailable */
  const put = (Key: string, Body: Buffer, ContentType: string) =>
    guarded(
      client.send(
        new PutObjectCommand({
          Bucket,
          Key,
          Body,
          ContentType,
          ContentDisposition: 'inline',
          CacheControl: 'public, max-age=31536000, immutable',
        }),
      ),
    )

  /** The whole object; for small ones. @throws StorageUnavailable */
  const get = (Key: string) =>
    guarded(
      client
        .send(new GetObjectCommand({ Bucket, Key }))
        .then(({ Body }) => Body?.transformToByteArray() ?? new Uint8Array()),
    )

  /** Deletes up to 1,000 objects; those that do not exist count as deleted. */
  async function remove(keys: string[]) {
    const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true }
    const { Errors = [] } = await guarded(client.send(new DeleteObjectsCommand({ Bucket, Delete })))
    if (Errors.length > 0) throw new StorageUnavailable()
  }

  const check = () => guarded(client.send(new HeadBucketCommand({ Bucket })))

  const url = (key: string) => `${app.config.mediaBaseUrl}/${key}`

  return { client, put, get, remove, check, url }
}

export default fp(
  async (app) => {
    const { endpoint, region, forcePathStyle, bucket } = app.config.s3
    const client = new S3Client({
      ...(endpoint && { endpoint }),
      region,
      forcePathStyle,
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: TIMEOUTS,
    })
    app.decorate('s3', createS3(app, client))
    app.addHook('onClose', async () => client.destroy())
    await app.s3.check().catch((error) => {
      throw new Error(
        `The bucket ${bucket} cannot be reached (${error.cause?.name}). Check S3_BUCKET, S3_REGION, S3_ENDPOINT and the credentials.`,
        { cause: error },
      )
    })
  },
  { name: 's3', dependencies: ['config'] },
)
