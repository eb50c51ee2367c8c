import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import aws4 from 'aws4'

export type Key = { accessKeyId: string; secretAccessKey: string }
type Request = { method: string; url: string; headers: IncomingHttpHeaders }

/** Milliseconds by which the time of a signed request may differ, as on Amazon S3. */
const MAX_AGE = 15 * 60_000
/** Names of this machine alone: a web page may lead any other name here (DNS rebinding). */
const HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i
/** A bucket's name begins with a letter or a digit; other paths are those of the store itself. */
const OBJECT = /^\/[a-z0-9][^/]*\/./i

/**
 * Returns the status of a refusal, or undefined if the store may answer. Anyone may fetch an object, as
 * from a public bucket; every other call needs a signature (AWS Signature Version 4).
 */
export function refusalOf(request: Request, region: string, key: Key) {
  const { method, url, headers } = request
  if (!HOST.test(headers.host ?? '')) return 403
  const [path = '', query] = url.split('?')
  if (leavesFolder(path)) return 400
  const isFetch = method === 'GET' || method === 'HEAD'
  if (isFetch && query === undefined && !headers.authorization && OBJECT.test(path))
    return undefined
  return isSigned(request, region, key) ? undefined : 403
}

/** The store writes an object to the file of its key. */
function leavesFolder(path: string) {
  try {
    return /(^|[/\\])\.{1,2}([/\\]|$)|\0/.test(decodeURIComponent(path))
  } catch {
    return true
  }
}

function isSigned({ method, url, headers }: Request, region: string, key: Key) {
  const { searchParams } = new URL(url, 'http://localhost')
  const given = searchParams.get('X-Amz-Signature')
  const names = given
    ? (searchParams.get('X-Amz-SignedHeaders') ?? '')
    : /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1] || ''
  const signed = names.split(';')
  if (!signed.includes('host')) return false
  const time = given ? searchParams.get('X-Amz-Date') : headers['x-amz-date']
  const life = given ? Number(searchParams.get('X-Amz-Expires')) * 1000 : MAX_AGE
  if (!isCurrent(String(time), life)) return false
  // The package's types lack this documented option: headers that it would leave out.
  const request: aws4.Request & { extraHeadersToInclude: object } = {
    service: 's3',
    region,
    method,
    path: given ? withoutSignature(url) : url,
    headers: Object.fromEntries(signed.map((name) => [name, String(headers[name] ?? '')])),
    extraHeadersToInclude: Object.fromEntries(signed.map((name) => [name, true])),
    signQuery: given !== null,
  }
  const result = aws4.sign(request, key)
  const expected = given
    ? new URL(result.path ?? '', 'http://localhost').searchParams.get('X-Amz-Signature')
    : result.headers?.Authorization
  return isSame(given ?? headers.authorization ?? '', String(expected))
}

const withoutSignature = (url: string) =>
  url.replace(/([?&])X-Amz-Signature=[^&]*&?/, '$1').replace(/[?&]$/, '')

/** Whether a time such as 20261127T233000Z is at most `life` milliseconds ago, or a little ahead. */
function isCurrent(time: string, life: number) {
  const at = Date.parse(
    time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
  )
  const age = Date.now() - at
  return age > -MAX_AGE && age < life
}

function isSame(a: string, b: string) {
  const [one, two] = [Buffer.from(a), Buffer.from(b)]
  return one.length === two.length && timingSafeEqual(one, two)
}
