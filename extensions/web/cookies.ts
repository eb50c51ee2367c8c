import type { FastifyInstance, FastifyReply, FastifyRequest } from 'birdhouse'
import { parseCookie, stringifySetCookie } from 'cookie'

/** `session` signs a person in; `form` binds the forms of people who are not signed in to their browser. */
type Name = 'session' | 'form'

/** Seconds. The cookie of a session is renewed daily while it is used. */
const LIFE = { session: 30 * 24 * 3600, form: 24 * 3600 }
const SECRET = /^[\w-]{43}$/

export function createCookies({ config: { publicUrl } }: FastifyInstance) {
  const isSecure = ({ protocol }: FastifyRequest) =>
    (publicUrl ?? `${protocol}:`).startsWith('https:')

  /** With the prefix no other host, also no sub-domain, can set the cookie. */
  const nameOf = (request: FastifyRequest, name: Name) =>
    `${isSecure(request) ? '__Host-' : ''}birdhouse-${name}`

  function read(request: FastifyRequest, name: Name) {
    const value = parseCookie(request.headers.cookie ?? '')[nameOf(request, name)]
    return value !== undefined && SECRET.test(value) ? value : undefined
  }

  const write = (reply: FastifyReply, name: Name, value: string, maxAge = LIFE[name]) =>
    void reply.header(
      'set-cookie',
      stringifySetCookie({
        name: nameOf(reply.request, name),
        value,
        path: '/',
        httpOnly: true,
        sameSite: 'lax',
        secure: isSecure(reply.request),
        maxAge,
      }),
    )

  const clear = (reply: FastifyReply, name: Name) => write(reply, name, '', 0)

  return { read, write, clear }
}

export type Cookies = ReturnType<typeof createCookies>
