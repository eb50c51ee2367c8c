import type { FastifyInstance, FastifyReply, FastifyRequest } from 'birdhouse'
import type { createForms } from './forms.ts'
import { ownPath, pathBack } from './own-path.ts'
import { layout, type Page } from './pages/layout.ts'
import type { createSessions } from './sessions.ts'

/** Sends pages, which run no script and are never framed. */
export function createSending(
  app: FastifyInstance,
  { visitors }: ReturnType<typeof createSessions>,
  forms: ReturnType<typeof createForms>,
) {
  const { site, publicUrl } = app.config

  /** `target` is a source that a form of the page may redirect to. */
  const policy = (target = '') =>
    [
      "default-src 'none'",
      "style-src 'self'",
      `img-src 'self' ${new URL(app.s3.url('web')).origin}`,
      `form-action 'self' ${target}`.trimEnd(),
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; ')

  async function send(reply: FastifyReply, page: Page) {
    const { request } = reply
    const visitor = visitors.get(request)
    // A page of an error does without.
    const me = visitor && (await app.users.getOwn(visitor.userId).catch(() => undefined))
    const origin = publicUrl ?? `${request.protocol}://${request.host}`
    const nav = me ? { me, field: forms.field(reply) } : linksFor(request)
    const vary = [reply.getHeader('vary') ?? [], 'Cookie'].flat().join(', ')
    reply
      .header('content-security-policy', policy(page.formTarget))
      // With `no-referrer` browsers would send forms without their origin.
      .header('referrer-policy', 'same-origin')
      .header('vary', vary)
      .type('text/html; charset=utf-8')
    if (visitor) reply.header('cache-control', 'private, no-store')
    return reply.send(layout(site, page, origin, nav))
  }

  return send
}

/** The links of signing in and up: the first leads back to the page that has it, both go on where that page does. */
function linksFor({ method, url }: FastifyRequest) {
  const [path = '', query] = url.split('?')
  const isSign = path === '/sign-in' || path === '/join'
  const asked = new URLSearchParams(query).get('return_to') ?? undefined
  const after = isSign ? ownPath(asked) : '/'
  const back = method === 'GET' && !isSign ? url : after
  return { signIn: pathBack('/sign-in', back), signUp: pathBack('/join', after) }
}
