import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Role } from '../features/feature.ts'
import { inTime } from '../in-time.ts'
import { isStoreAway } from './advice.ts'
import { createBounds, DEADLINE, StorageUnavailable, unavailable } from './bounds.ts'
import { bucketUrl, createClient } from './client.ts'
import { createReadBack, PictureUnreadable } from './read-back.ts'
import { createSigner } from './signing.ts'

declare module 'fastify' {
  interface FastifyInstance {
    s3: ReturnType<typeof createS3>
  }
}

/** Milliseconds for a health check; `/readyz` waits no longer. */
const CHECK_TIMEOUT = 2_000
/** Keys per request. S3 allows 1,000, but a store that deletes them one by one would exceed DEADLINE. */
const KEYS_PER_DELETE = 50

type Urls = { base: string; url: (key: string) => string }

function createS3(app: FastifyInstance, client: S3Client, { base, url }: Urls) {
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

  /** Returns the whole object in memory. @throws StorageUnavailable, also for a missing object */
  const get = (Key: string) =>
    bounded(async (abortSignal) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }), { abortSignal })
      return Body?.transformToByteArray() ?? new Uint8Array()
    })

  /**
   * Deletes objects; keys without an object count as deleted. @throws StorageUnavailable when some
   * objects may remain
   */
  async function remove(keys: string[]) {
    for (let i = 0; i < keys.length; i += KEYS_PER_DELETE) {
      const Objects = keys.slice(i, i + KEYS_PER_DELETE).map((Key) => ({ Key }))
      const command = new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } })
      const { Errors = [] } = await bounded((abortSignal) =>
        client.send(command, { abortSignal, requestTimeout: DEADLINE }),
      )
      if (Errors.length > 0) throw new StorageUnavailable()
    }
  }

  /**
   * Returns up to 1,000 objects whose keys begin with `prefix` and sort after `after`, in key order.
   * `next` is the next call's `after`, or null at the end. @throws StorageUnavailable
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

  /** Checks the bucket, not limited by other calls; concurrent checks share one. @throws StorageUnavailable */
  function check() {
    checking ??= unavailable(ask()).finally(() => {
      checking = undefined
    })
    return checking
  }

  function ask() {
    const abortSignal = AbortSignal.timeout(CHECK_TIMEOUT)
    const asking = client.send(new HeadBucketCommand({ Bucket }), { abortSignal })
    // The signal does not end a wait for credentials.
    return inTime(asking, CHECK_TIMEOUT)
  }

  /** The key of the object that has this address, signed or not. */
  const keyOf = (address: string) => address.slice(base.length + 1).replace(/\?.*/, '')

  const readBack = createReadBack(app, { put, remove, url })

  return { client, put, get, remove, list, check, readBack, base, url, keyOf }
}

/** Public URLs of keys, signed for a private bucket; `base` is their beginning. */
async function createUrls(app: FastifyInstance, client: S3Client): Promise<Urls> {
  const { mediaBaseUrl, s3 } = app.config
  const base = mediaBaseUrl ?? (await bucketUrl(client, s3.bucket))
  if (!s3.presign) return { base, url: (key) => `${base}/${key}` }
  const signer = await createSigner({ base, region: s3.region }, client.config.credentials, app.log)
  app.addHook('onClose', async () => signer.stop())
  return { base, url: signer.url }
}

export default fp<{ role: Role }>(
  async (app, { role }) => {
    const { mediaBaseUrl, s3 } = app.config
    const client = createClient(s3)
    app.addHook('onClose', async () => client.destroy())
    app.decorate('s3', createS3(app, client, await createUrls(app, client)))
    if (role === 'command') return
    await app.s3.readBack().catch((error) => {
      // The bucket's own address must work, but a CDN in front of it may be down for a while.
      const isCdnAway = mediaBaseUrl && error instanceof PictureUnreadable
      if (!isCdnAway && !isStoreAway(error)) throw error
      app.log.error(error.message)
    })
  },
  { name: 's3', dependencies: ['config'] },
)
