import { mkdirSync } from 'node:fs'
import type { buildApp } from 'fauxqs'

const PREFERRED_PORT = 33_090
/** The SDK requires credentials; the embedded store does not check them. */
export const EMBEDDED_CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'embedded',
  AWS_SECRET_ACCESS_KEY: 'embedded',
}
const REGION = 'us-east-1'

export const useEmbeddedCredentials = () => Object.assign(process.env, EMBEDDED_CREDENTIALS)

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
  const listen = (port: number) => server.listen({ host: '127.0.0.1', port })
  const endpoint = await listen(port).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error
    return listen(0)
  })
  useEmbeddedCredentials()
  const settings = {
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
