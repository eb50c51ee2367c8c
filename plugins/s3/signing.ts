import aws4 from 'aws4'
import type { FastifyBaseLogger } from 'fastify'

type Credentials = {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  expiration?: Date
}
type Place = { base: string; region: string }

/** Seconds. All URLs of a key are equal within a window, so that browsers can cache pictures. */
const WINDOW = 3600
/** Seconds of validity from the start of the window, so that a URL is valid for at least an hour. */
const LIFE = 2 * WINDOW
/** Most cached URLs, of about 500 bytes each; signing one takes longer than 60 look-ups. */
const MAX_CACHED = 10_000
/** Milliseconds before the expiry of credentials at which the SDK's providers fetch new ones. */
const EARLY = 5 * 60_000
/** Milliseconds between attempts to renew credentials. */
const RENEWAL = { min: 2_000, max: 3_600_000 }

/**
 * Signs URLs with credentials that are kept in memory and renewed before they expire; those of an IAM role
 * expire every few hours. While renewal fails the old credentials are used: a page with broken pictures is
 * better than no page.
 * @throws the error of `provide` when it has no credentials at first
 */
export async function createSigner(
  place: Place,
  provide: () => Promise<Credentials>,
  log: FastifyBaseLogger,
) {
  let credentials = await provide()
  let stopped = false
  let timer = renewLater()

  function renewLater() {
    const left = (credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - Date.now()
    const delay = Math.min(Math.max(left - EARLY, RENEWAL.min), RENEWAL.max)
    return setTimeout(renew, delay).unref()
  }

  async function renew() {
    try {
      credentials = await provide()
      cached.clear()
    } catch (error) {
      log.error({ err: error }, 'renewing the credentials for signed URLs failed; trying again')
    }
    if (!stopped) timer = renewLater()
  }

  const cached = new Map<string, string>()
  let cachedFrom = 0

  function url(key: string) {
    const begin = Math.floor(Date.now() / 1000 / WINDOW) * WINDOW
    if (begin !== cachedFrom || cached.size >= MAX_CACHED) cached.clear()
    cachedFrom = begin
    const hit = cached.get(key)
    if (hit) return hit
    const signed = signedUrl(place, credentials, key, new Date(begin * 1000), lifeFrom(begin))
    cached.set(key, signed)
    return signed
  }

  function lifeFrom(begin: number) {
    const end = Math.floor((credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY) / 1000)
    return Math.max(1, Math.min(LIFE, end - begin))
  }

  function stop() {
    stopped = true
    clearTimeout(timer)
  }

  return { url, stop }
}

/** Returns a URL for GET with AWS Signature Version 4 in the query, valid for `seconds` after `from`. */
export function signedUrl(
  { base, region }: Place,
  credentials: Credentials,
  key: string,
  from: Date,
  seconds: number,
) {
  const { origin, host, pathname } = new URL(`${base}/${key}`)
  const time = from.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const query = `X-Amz-Date=${time}&X-Amz-Expires=${seconds}`
  const path = `${pathname}?${query}`
  const { path: signed } = aws4.sign(
    { service: 's3', region, host, path, signQuery: true },
    credentials,
  )
  return `${origin}${signed}`
}
