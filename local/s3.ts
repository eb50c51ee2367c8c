import { mkdirSync } from 'node:fs'
import type { buildApp } from 'fauxqs'
import getPort from 'get-port'

const PREFERRED_PORT = 33_090
/** The SDK signs with what its own chain finds; the embedded store checks nothing. */
export const EMBEDDED_CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'embedded',
  AWS_SECRET_ACCESS_KEY: 'embedded',
}
const REGION = 'us-east-1'

export const useEmbeddedCredentials = () => Object.assign(process.env, EMBEDDED_CREDENTIALS)

type Stores = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>

type Options = { folder?: string; bucket: string; port?: number }

/** Starts an S3 store in this process, on loopback; with a folder, it keeps its objects there. */
export async function startS3({ folder, bucket, port: wanted }: Options) {
  // Loaded on demand: production installs don't have it.
  const fauxqs = await import('fauxqs')
  const stores = await createStores(folder)
  if (!stores.s3Store.hasBucket(bucket)) stores.s3Store.createBucket(bucket)
  const port = wanted ?? (await getPort({ port: PREFERRED_PORT, host: '127.0.0.1' }))
  const server = fauxqs.buildApp({ logger: false, host: '127.0.0.1', stores })
  await server.listen({ host: '127.0.0.1', port })
  useEmbeddedCredentials()
  const endpoint = `http://127.0.0.1:${port}`
  const settings = {
    S3_ENDPOINT: endpoint,
    S3_REGION: REGION,
    S3_BUCKET: bucket,
    S3_FORCE_PATH_STYLE: 'true',
  }
  return { settings, stop: () => server.close() }
}

/** The package's own start function listens on every interface; its parts let us listen on one. */
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
