import { isIP } from 'node:net'
import { listOf, withoutCredentials } from './setting.ts'

// Readers of settings that are addresses. Each throws an Error whose message says what to write.

/** What a host name or an address in a URL may consist of; the rest of what `URL` takes is a typo. */
const HOST = /^([a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])$/
/** Schemes of pages that never send an origin of their own. */
const NO_ORIGIN = new Set(['file:', 'ftp:', 'ws:', 'wss:'])
const PROXY_NAMES = ['loopback', 'linklocal', 'uniquelocal']

/**
 * The URL that paths are added to: of scheme http or https, perhaps with a path, without the slash at
 * its end.
 */
export function readBaseUrl(text: string) {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const written = /^https?:\/\/[^/\\]/i.test(text)
  if (!url || !written || !HOST.test(url.hostname)) {
    throw new Error('set it to an http or https URL with a host, such as https://host.example')
  }
  const base = (url.origin + url.pathname).replace(/\/+$/, '')
  const extra = [
    [url.username || url.password, 'user name and password'],
    [/^[^#]*\?/.test(text), 'query (from the ? on)'],
    [text.includes('#'), 'fragment (from the # on)'],
  ].flatMap(([present, what]) => (present ? [what] : []))
  if (extra.length > 0) throw new Error(`leave out its ${extra.join(' and ')}: set it to ${base}`)
  return base
}

/** `*`, or the origins as browsers send them in the header Origin (RFC 6454, section 6.2). */
export function readOrigins(text: string): '*' | string[] {
  if (text.trim() === '*') return '*'
  const origins = listOf(text).map(readOrigin)
  if (origins.length === 0) throw new Error('name an origin, such as https://a.example')
  return [...new Set(origins)]
}

function readOrigin(entry: string) {
  if (entry === '*') throw new Error('* stands alone: it lets any page in; leave out the others')
  if (entry.includes('*')) {
    throw new Error('* is no part of an origin, so such an entry matches nothing; list each origin')
  }
  if (entry === 'null') {
    throw new Error('null is what very different pages send; list the origins of your pages')
  }
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i
  const url = URL.canParse(entry) ? new URL(entry) : undefined
  if (!scheme.test(entry)) {
    const host = /^[a-z0-9_.-]+(:\d+)?\/?$/i.test(entry) ? entry : 'a.example'
    throw new Error(`an origin begins with its scheme: write https://${host}, or http://`)
  }
  if (!url || !HOST.test(url.hostname.toLowerCase())) {
    throw new Error('set it to origins such as https://a.example, comma-separated, or *')
  }
  if (NO_ORIGIN.has(url.protocol)) {
    throw new Error(
      `no page has an origin that begins with ${url.protocol} Write https:// or http://`,
    )
  }
  // URL calls the origin of a scheme that it does not know null, such as that of capacitor://localhost.
  const origin = `${url.protocol}//${url.host.toLowerCase()}`
  if (url.href.replace(/\/$/, '').toLowerCase() !== origin) {
    throw new Error(`an origin ends with its host and port: write ${origin}`)
  }
  return origin
}

/** For Fastify's `trustProxy`. */
export function readProxies(text: string) {
  if (text === 'true' || text === 'false') return text === 'true'
  const proxies = listOf(text)
  const wrong = proxies.find((proxy) => !PROXY_NAMES.includes(proxy) && !isNetwork(proxy))
  if (wrong === undefined && proxies.length > 0) return proxies
  const named = wrong ? `${withoutCredentials(wrong)} is neither an address nor a network; ` : ''
  throw new Error(
    `${named}set it to the addresses of your proxies, for example 10.0.0.0/8, to true or to false`,
  )
}

/** An address, or one with a prefix length from 1 on: 0 would be everyone, which is `true`. */
function isNetwork(text: string) {
  const [, address = '', prefix] = text.match(/^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i) ?? []
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0
  const length = prefix === undefined ? bits : Number(prefix)
  return length >= 1 && length <= bits
}

export function readHost(text: string) {
  if (isIP(text) === 0 && !/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(text)) {
    throw new Error('set it to an address of this machine, without scheme and port, or to 0.0.0.0')
  }
  return text
}
