import aws4 from 'aws4'
import type { FastifyBaseLogger } from 'fastify'

type Credentials = {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  expiration?: Date
}
type Place = { base: string; region: string }

/** Seconds. URLs of one window are the same, so that browsers find pictures in their cache. */
const WINDOW = 3600
/** Seconds from the start of the window, so that even its last URL lives for an hour. */
const LIFE = 2 * WINDOW
/** URLs kept, of some 500 bytes each: signing one takes longer than finding sixty for a page. */
const KEPT = 10_000
/** Milliseconds before credentials expire at which the SDK's providers get new ones. */
const EARLY = 5 * 60_000
/** Milliseconds between looks for new credentials: at least, and at most. */
const LOOK = { least: 2_000, most: 3_600_000 }

/**
 * Signs URLs with credentials that are kept in memory and renewed before they expire, as those of
 * an IAM role do every few hours. While none can be had the old ones sign on: a page without its
 * pictures is better than none.
 * @throws what `provide` throws when it has none at first
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
    const delay = Math.min(Math.max(left - EARLY, LOOK.least), LOOK.most)
    return setTimeout(renew, delay).unref()
  }

  async function renew() {
    try {
      credentials = await provide()
      kept.clear()
    } catch (error) {
      log.error({ err: error }, 'no new credentials to sign URLs with; trying again')
    }
    if (!stopped) timer = renewLater()
  }

  const kept = new Map<string, string>()
  let keptFrom = 0

  function url(key: string) {
    const begin = Math.floor(Date.now() / 1000 / WINDOW) * WINDOW
    if (begin !== keptFrom || kept.size >= KEPT) kept.clear()
    keptFrom = begin
    const known = kept.get(key)
    if (known) return known
    const signed = signedUrl(place, credentials, key, new Date(begin * 1000), lifeFrom(begin))
    kept.set(key, signed)
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

/** A URL for GET by AWS Signature Version 4 in the query; `seconds` count from `from`. */
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
