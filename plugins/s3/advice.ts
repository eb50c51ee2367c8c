import { isTaskCancelledError } from 'cockatiel'
import type { Config } from '../config/index.ts'

type Settings = Pick<Config['s3'], 'bucket' | 'endpoint' | 'region'>
type Failure = Error & {
  code?: string
  hostname?: string
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
}

const NO_ANSWER = 'it does not answer. Check the host, the port and firewalls.'

const NETWORK: Record<string, string> = {
  ECONNREFUSED: 'it refuses connections. Check the host and the port, or start the store.',
  EAI_AGAIN: 'its host name cannot be looked up right now. Check the network.',
  EHOSTUNREACH: 'the host cannot be reached. Check the host and the network.',
  ENETUNREACH: 'the host cannot be reached. Check the host and the network.',
  ETIMEDOUT: NO_ANSWER,
  EPROTO: 'it does not speak TLS. If it speaks plain HTTP, write http:// instead of https://.',
  ECONNRESET: 'it closes the connection. If it speaks TLS, write https:// instead of http://.',
}

const AWAY = new Set(['ECONNREFUSED', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'])

const STATUS: Record<number, string> = {
  301: 'it answers 301, as for a bucket in another region. Set S3_REGION to the region of the bucket.',
  307: 'it answers 307, as for a bucket in another region. Set S3_REGION to the region of the bucket.',
  400: 'it answers 400. If it speaks TLS, write https://; otherwise check S3_REGION and AWS_SESSION_TOKEN.',
  401: 'it refuses the credentials (401). Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the role.',
  403: 'it refuses the credentials (403). Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or the role, that they have the rights s3:ListBucket, s3:PutObject, s3:GetObject and s3:DeleteObject, and the clock of this machine.',
  404: 'it has no such bucket (404). Check S3_BUCKET and the path of S3_ENDPOINT, or create the bucket.',
}

/** Returns an Error whose message names the bucket, its store, what happened and what to check. */
export function adviseBucket(error: unknown, { bucket, endpoint, region }: Settings) {
  const failure = error as Failure
  if (failure.name === 'CredentialsProviderError') {
    return new Error(
      `No credentials for the bucket ${bucket} were found (${failure.message}). Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run Birdhouse where an IAM role or AWS_PROFILE provides them.`,
      { cause: error },
    )
  }
  const store = endpoint ? `S3_ENDPOINT ${endpoint}` : `Amazon S3 in ${region}`
  const reason = explain(failure, { bucket, endpoint, region })
  return new Error(`The bucket ${bucket} cannot be reached at ${store}: ${reason}`, {
    cause: error,
  })
}

/** True when the store itself is away for now, rather than a setting wrong. */
export function isStoreAway(error: unknown): boolean {
  const { code = '', name, $metadata, cause } = error as Failure
  const status = $metadata?.httpStatusCode ?? 0
  const isAway = status >= 500 || AWAY.has(code) || name === 'TimeoutError'
  return isAway || isTaskCancelledError(error) || (cause !== undefined && isStoreAway(cause))
}

function explain(failure: Failure, { bucket, region }: Settings) {
  const { code = '', message, name } = failure
  const status = failure.$metadata?.httpStatusCode
  const actual = failure.$response?.headers?.['x-amz-bucket-region']
  if (actual && actual !== region) return `it is in another region. Set S3_REGION to ${actual}.`
  if (status && status >= 500) return `it answers ${status}. Check the store's log, or try again.`
  if (status)
    return STATUS[status] ?? `it answers ${status}. Check that S3_ENDPOINT is an S3 store.`
  if (code === 'ENOTFOUND') return unknownHost(failure.hostname ?? '', bucket)
  // Before TimeoutError: the SDK also gives that name to ECONNRESET, when a TLS server gets plain HTTP.
  if (NETWORK[code]) return NETWORK[code]
  if (/CERT|ISSUER|SIGNATURE|CHAIN/.test(code)) {
    return `its TLS certificate is not accepted (${code}). Check the host name, or set NODE_EXTRA_CA_CERTS to the file of its authority.`
  }
  if (code.startsWith('HPE_'))
    return 'it does not speak HTTP. Check the port and http:// or https://.'
  if (name === 'TimeoutError' || isTaskCancelledError(failure)) return NO_ANSWER
  return `${message}. Check S3_BUCKET, S3_REGION, S3_ENDPOINT and the credentials.`
}

const unknownHost = (host: string, bucket: string) =>
  host.startsWith(`${bucket}.`)
    ? `the host ${host} is not known. If the store has no host name per bucket, set S3_FORCE_PATH_STYLE to true.`
    : `the host ${host} is not known. Check its spelling.`
