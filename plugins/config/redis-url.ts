import type { RedisOptions } from 'ioredis'

const SHAPE = 'redis://user:password@host:port/number, or rediss:// for TLS'
const ENCODE =
  'percent-encode special characters of its user and password as UTF-8: / is %2F, ? is %3F, # is %23, % is %25, @ is %40'

/**
 * Returns the address and account in a REDIS_URL. Nothing else of the URL reaches the driver. `rediss:` checks the
 * certificate. @throws Error whose message says what to change and shows no value
 */
export function readRedisUrl(text: string): RedisOptions {
  const [, end] = /^rediss?:\/\/[^/?#]*(.*)$/is.exec(text.trim()) ?? []
  if (end === undefined) throw new Error(`set it to ${SHAPE}`)
  // An @ after the first / ? or # ends an unencoded password, which no message may show.
  if (/[@#]/.test(end)) throw new Error(ENCODE)
  const url = URL.parse(text)
  if (!url?.hostname || url.port === '0')
    throw new Error(`its host or port is wrong; set it to ${SHAPE}`)
  const names = [...url.searchParams.keys()].map((name) => encodeURIComponent(name) || '?')
  if (names.length > 0) {
    throw new Error(`remove ${names.join(', ')}; it takes no parameters`)
  }
  const number = /^\/?(\d*)$/.exec(url.pathname)?.[1]
  if (number === undefined) {
    throw new Error(`its path must be the number of a database; set it to ${SHAPE}`)
  }
  try {
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 6379),
      db: Number(number),
      ...(url.username && { username: decodeURIComponent(url.username) }),
      ...(url.password && { password: decodeURIComponent(url.password) }),
      ...(url.protocol === 'rediss:' && { tls: {} }),
    }
  } catch {
    throw new Error(ENCODE)
  }
}
