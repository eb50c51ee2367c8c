import { GetObjectCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { Config } from '../config/index.ts'
import { inTime } from '../in-time.ts'
import { adviseBucket, isStoreAway } from './advice.ts'
import { CLIENT_BOUNDS } from './bounds.ts'
import { addDigests } from './digest.ts'

type Settings = Config['s3']

/** Milliseconds to find credentials, which an IAM role may have to fetch, or the bucket. */
const BOOT_TIMEOUT = 8_000

export function createClient({ endpoint, region, forcePathStyle }: Settings) {
  const client = new S3Client({
    ...(endpoint && { endpoint }),
    region,
    forcePathStyle,
    ...CLIENT_BOUNDS,
  })
  addDigests(client)
  return client
}

/** @throws Error that says what to set when the AWS SDK finds no credentials */
export const requireCredentials = (settings: Settings) => atBoot(settings, findCredentials)

/** @throws Error that says what to check when there are no credentials or the bucket cannot be reached */
export const requireBucket = (settings: Settings) =>
  atBoot(settings, async (client) => {
    await findCredentials(client)
    const abortSignal = AbortSignal.timeout(BOOT_TIMEOUT)
    await client.send(new HeadBucketCommand({ Bucket: settings.bucket }), { abortSignal })
  })

/**
 * As `requireBucket`, but a store that is away is only told: everything but uploads works without it.
 * @throws Error when a setting is wrong
 */
export const checkBucket = (settings: Settings, progress: (line: string) => void) =>
  requireBucket(settings).catch((error: Error) => {
    if (!isStoreAway(error)) throw error
    progress(`${error.message} Uploads fail until it is back.`)
  })

const findCredentials = (client: S3Client) =>
  inTime(client.config.credentials(), BOOT_TIMEOUT, () =>
    Object.assign(new Error('none came in time'), { name: 'CredentialsProviderError' }),
  )

async function atBoot(settings: Settings, ask: (client: S3Client) => Promise<unknown>) {
  const client = createClient(settings)
  try {
    await ask(client)
  } catch (error) {
    throw adviseBucket(error, settings)
  } finally {
    client.destroy()
  }
}

/**
 * Returns the URL to which a slash and the key of an object are appended. It comes from the SDK, so that
 * clients read from the address to which objects are written.
 */
export async function bucketUrl(client: S3Client, bucket: string) {
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: 'key' }))
  return url.replace(/\/key\?.*/, '')
}
