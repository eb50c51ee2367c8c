import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import type { buildApp } from 'fauxqs'
import { readEnv } from '../plugins/config/index.ts'
import { type Key, refusalOf } from './s3-access.ts'

const PREFERRED_PORT = 33_090
const REGION = 'us-east-1'
const KEY_PREFIX = 'embedded-'

/** Random for each process and the processes that inherit its environment; no other user knows the key. */
function ownKey(): Key {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = readEnv()
  if (id?.startsWith(KEY_PREFIX) && secret) return { accessKeyId: id, secretAccessKey: secret }
  return {
    accessKeyId: KEY_PREFIX + randomBytes(8).toString('hex'),
    secretAccessKey: randomBytes(32).toString('hex'),
  }
}

type Stores = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>

type Options = {
  /** Folder of the objects; without a folder they are in memory. */
  folder?: string
  bucket: string
  /** Tried first; another port is chosen when it is taken. */
  port?: number
}

/** Starts an S3 store in this process, on loopback. */
export async function startS3({ folder, bucket, port = PREFERRED_PORT }: Options) {
  // Loaded on demand: production installs do not have this package.
  const fauxqs = await import('fauxqs')
  const stores = await createStores(folder)
  if (!stores.s3Store.hasBucket(bucket)) stores.s3Store.createBucket(bucket)
  const server = fauxqs.buildApp({ logger: false, host: '127.0.0.1', stores })
  const key = ownKey()
  server.addHook('onRequest', async ({ method, raw, headers }, reply) => {
    const refusal = refusalOf({ method, url: raw.url ?? '', headers }, REGION, key)
    if (refusal !== undefined) await reply.code(refusal).send()
  })
  const listen = (port: number) => server.listen({ host: '127.0.0.1', port })
  const endpoint = await listen(port).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error
    return listen(0)
  })
  const credentials = {
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
  }
  Object.assign(process.env, credentials)
  const settings = {
    ...credentials,
    S3_ENDPOINT: endpoint,
    S3_REGION: REGION,
    S3_BUCKET: bucket,
    S3_FORCE_PATH_STYLE: 'true',
  }
  return { settings, stop: () => server.close() }
}

/** The package's start function listens on every interface; its parts allow loopback only. */
async function createStores(folder: string | undefined) {
  const part = async (path: string) => import(new URL(path, import.meta.resolve('fauxqs')).href)
  const [{ S3Store }, { SqsStore }, { SnsStore }, { FileS3Persistence }] = await Promise.all([
    part('./s3/s3Store.js'),
    part('./sqs/sqsStore.js'),
    part('./sns/snsStore.js'),
    part('./s3/fileS3Persistence.js'),
  ])
  const stores: Stores = {
    s3Store: new S3Store(),
    sqsStore: new SqsStore(),
    snsStore: new SnsStore(),
  }
  if (folder) {
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o700)
    const persistence = new FileS3Persistence(folder)
    persistence.loadS3(stores.s3Store)
    stores.s3Store.persistence = persistence
  }
  return stores
}
