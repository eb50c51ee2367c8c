import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import type { FastifyRequest } from 'fastify'
import type { buildApp } from 'fauxqs'
import { readEnv } from '../plugins/config/index.ts'

const PREFERRED_PORT = 33_090
const REGION = 'us-east-1'
const KEY_PREFIX = 'embedded-'

/**
 * The access key of the embedded store, random for each process and the processes that inherit its
 * environment. The store checks the key, not the signature: no other user of the machine knows the key.
 */
function ownCredentials() {
  const { AWS_ACCESS_KEY_ID: known } = readEnv()
  const key = known?.startsWith(KEY_PREFIX) ? known : KEY_PREFIX + randomBytes(16).toString('hex')
  return { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: key }
}

/** Anyone may fetch an object, as from a public bucket; every other call needs the access key. */
function isAllowed({ method, url, headers }: FastifyRequest, key: string) {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const credential = searchParams.get('X-Amz-Credential') ?? headers.authorization ?? ''
  if (credential.includes(`${key}/`)) return true
  const isObject = /^\/[^/]+\/./.test(pathname) && searchParams.size === 0
  return isObject && (method === 'GET' || method === 'HEAD')
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
  const credentials = ownCredentials()
  server.addHook('onRequest', async (request, reply) => {
    if (!isAllowed(request, credentials.AWS_ACCESS_KEY_ID)) await reply.code(403).send()
  })
  const listen = (port: number) => server.listen({ host: '127.0.0.1', port })
  const endpoint = await listen(port).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error
    return listen(0)
  })
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
    const persistence = new FileS3Persistence(folder)
    persistence.loadS3(stores.s3Store)
    stores.s3Store.persistence = persistence
  }
  return stores
}
