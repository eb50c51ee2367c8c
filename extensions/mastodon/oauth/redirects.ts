/** Shows the code on a page, for clients that cannot take a redirect. */
export const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob'

/** Schemes whose URLs run or read something in the browser that follows them. */
const UNSAFE = new Set('javascript data vbscript file about blob filesystem view-source'.split(' '))

/** Most characters of an address, and addresses of an app. */
const LONGEST = 2000
const MOST = 20

/** `URL` accepts more in a host, such as `;`, which would end a directive of a Content-Security-Policy. */
const HOST = /^[a-z0-9._-]+(:\d+)?$|^\[[0-9a-f:.]+\](:\d+)?$/i

/** RFC 6749, section 3.1.2: absolute and without a fragment. */
function isRedirectUri(uri: string) {
  if (uri === OUT_OF_BAND) return true
  const scheme = /^([a-z][a-z0-9+.-]*):[\x21-\x7e]+$/i.exec(uri)?.[1]?.toLowerCase()
  if (!scheme || UNSAFE.has(scheme) || uri.includes('#') || uri.length > LONGEST) return false
  if (!URL.canParse(uri)) return false
  const { username, password, host } = new URL(uri)
  return /^https?$/.test(scheme) ? HOST.test(host) && !username && !password : true
}

/** Reads one address, several in lines or a list; undefined if one of them is refused. */
export function readRedirectUris(sent: string | string[]) {
  const uris = [sent].flat().flatMap((text) => text.split(/\s+/).filter(Boolean))
  const isValid = uris.length > 0 && uris.length <= MOST && uris.every(isRedirectUri)
  return isValid ? uris : undefined
}

/** Also for schemes of apps, such as `com.example.app:/x`. */
export function withParameters(uri: string, parameters: Record<string, string | undefined>) {
  const url = new URL(uri)
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) url.searchParams.set(name, value)
  return url.href
}

/** The source of a Content-Security-Policy that allows this redirect after a form is sent. */
export function sourceOf(uri: string) {
  const { protocol, origin } = new URL(uri)
  if (uri === OUT_OF_BAND) return ''
  return /^https?:$/.test(protocol) ? origin : protocol
}
