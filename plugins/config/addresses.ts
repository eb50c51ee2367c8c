import { isIP } from 'node:net'
import { listOf, withoutCredentials } from './setting.ts'

// Readers of settings that are addresses. Each throws an Error whose message says how to correct the setting.

/** A host name or address in a URL. `URL` accepts more, which is always a typo here. */
const HOST = /^([a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])$/
/** Schemes whose pages never send an origin. */
const NO_ORIGIN = new Set(['file:', 'ftp:', 'ws:', 'wss:'])
const PROXY_NAMES = ['loopback', 'linklocal', 'uniquelocal']

/**
 * Returns the http or https URL to which paths are appended, without a slash at its end. The URL may have
 * a path.
 */
export function readBaseUrl(text: string) {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const hasHost = /^https?:\/\/[^/\\]/i.test(text)
  if (!url || !hasHost || !HOST.test(url.hostname)) {
    throw new Error('set it to an http or https URL with a host, such as https://host.example')
  }
  const base = (url.origin + url.pathname).replace(/\/+$/, '')
  const extra = [
    [url.username || url.password, 'user name and password'],
    [/^[^#]*\?/.test(text), 'query (from the ? on)'],
    [text.includes('#'), 'fragment (from the # on)'],
  ].flatMap(([present, part]) => (present ? [part] : []))
  if (extra.length > 0) throw new Error(`leave out its ${extra.join(' and ')}: set it to ${base}`)
  return base
}

/** Returns `*`, or origins as browsers send them in the header Origin (RFC 6454, section 6.2). */
export function readOrigins(text: string): '*' | string[] {
  if (text.trim() === '*') return '*'
  const origins = listOf(text).map(readOrigin)
  if (origins.length === 0) throw new Error('name an origin, such as https://a.example')
  return [...new Set(origins)]
}

function readOrigin(entry: string) {
  if (entry === '*') throw new Error('* allows pages of any origin; leave out the other entries')
  if (entry.includes('*')) {
    throw new Error('an origin cannot contain *; list each origin')
  }
  if (entry === 'null') {
    throw new Error('pages of many different sites send null; list the origins of your pages')
  }
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i
  const url = URL.canParse(entry) ? new URL(entry) : undefined
  if (!scheme.test(entry)) {
    const host = /^[a-z0-9_.-]+(:\d+)?\/?$/i.test(entry) ? entry : 'a.example'
    throw new Error(`an origin begins with its scheme: write https://${host}, or http://${host}`)
  }
  if (!url || !HOST.test(url.hostname.toLowerCase())) {
    throw new Error('set it to origins such as https://a.example, comma-separated, or *')
  }
  if (NO_ORIGIN.has(url.protocol)) {
    throw new Error(
      `no page sends an origin that begins with ${url.protocol}//; write https:// or http://`,
    )
  }
  // `url.origin` is null for schemes that URL does not know, such as capacitor://localhost.
  const origin = `${url.protocol}//${url.host.toLowerCase()}`
  if (url.href.replace(/\/$/, '').toLowerCase() !== origin) {
    throw new Error(`an origin has nothing after its host and port: write ${origin}`)
  }
  return origin
}

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

/** True for an address, also with a prefix length of at least 1; 0 would mean everyone, which is `true`. */
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
