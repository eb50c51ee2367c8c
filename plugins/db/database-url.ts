import { isIPv6 } from 'node:net'

const SHAPE = 'mysql://user:password@host:port/name'
const PORT_MAX = 65_535

export type Parameters = [name: string, value: string][]

export type DatabaseUrl = {
  address: { host: string; port: number; user: string; password: string; database: string }
  parameters: Parameters
}

/**
 * Returns the percent-decoded parts of a DATABASE_URL, or a sentence that says what to change and shows
 * no part of the URL. `URL` would read `mysql://user:12/3@host` as port 12 of the host `user`; here that
 * is an error.
 */
export function readDatabaseUrl(text: string): DatabaseUrl | string {
  const parts = /^mysql:\/\/([^/?#]*)(\/[^?#]*)?(.*)$/is.exec(text.trim())
  if (!parts) return `set it to ${SHAPE}`
  const [, authority = '', path = '', query = ''] = parts
  // An @ after the first / ? or # ends a password; reading on could show a part of the password.
  if (/[@#]/.test(path + query)) return ENCODE
  const [login, server] = splitAt(authority, authority.lastIndexOf('@'))
  const [user, password] = login.includes(':') ? splitAt(login, login.indexOf(':')) : [login, '']
  if (!user) return `it names no user; set it to ${SHAPE}`
  const host = readHost(server)
  if (!host) return HOST
  const name = path.slice(1)
  if (!name || name.includes('/')) return `it must name one database; set it to ${SHAPE}`
  try {
    const [decodedUser, decodedPassword, database] = [user, password, name].map(decodeURIComponent)
    return {
      address: {
        ...host,
        user: decodedUser ?? '',
        password: decodedPassword ?? '',
        database: database ?? '',
      },
      parameters: [...new URLSearchParams(query)],
    }
  } catch {
    return ENCODE
  }
}

const ENCODE =
  'percent-encode special characters of the user, the password and the name as UTF-8: / is %2F, ? is %3F, # is %23, % is %25, @ is %40'
const HOST =
  'its host or port is wrong; write host:3306, or [::1]:3306 for an IPv6 address, with a port from 1 to 65535'

const splitAt = (text: string, index: number) =>
  [text.slice(0, Math.max(index, 0)), text.slice(index + 1)] as const

function readHost(server: string) {
  const [, name = '', digits = '3306'] = /^(\[.*\]|[^\s,:%[\]]+)(?::(\d{1,5}))?$/.exec(server) ?? []
  const host = name.replace(/^\[|\]$/g, '')
  const port = Number(digits)
  const valid = host !== '' && (host === name || isIPv6(host)) && port > 0 && port <= PORT_MAX
  return valid ? { host, port } : undefined
}
