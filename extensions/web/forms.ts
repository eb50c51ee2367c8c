import { createHmac, timingSafeEqual } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'birdhouse'
import { html } from 'ghtml'
import type { Cookies } from './cookies.ts'
import { newSecret, type Visitor } from './sessions.ts'

const ForeignForm = createError('FOREIGN_FORM', 'This form was sent from another site.', 403)
const OldForm = createError(
  'OLD_FORM',
  'This form is too old, or your browser refuses the cookie of this page. Load the page again, and send it once more.',
  403,
)

/** The token of all forms of a cookie; it reveals nothing of the cookie. */
const tokenOf = (secret: string) => createHmac('sha256', secret).update('form').digest('base64url')

/**
 * Forms act for the person whose cookie the browser sends, so a form must be one of ours: it has a token that is bound
 * to the cookie, and the browser says that it comes from this site. Forms before a sign-in have a cookie of their own;
 * otherwise a foreign page could sign a person in to an account of its author.
 */
export function createForms(
  { config: { publicUrl } }: FastifyInstance,
  cookies: Cookies,
  visitors: WeakMap<FastifyRequest, Visitor>,
) {
  const secretOf = (request: FastifyRequest) =>
    visitors.get(request)?.secret ?? cookies.read(request, 'form')

  /** The hidden field of a form. */
  function field(reply: FastifyReply) {
    let secret = secretOf(reply.request)
    if (!secret) {
      secret = newSecret()
      cookies.write(reply, 'form', secret)
    }
    return html`<input type="hidden" name="token" value="${tokenOf(secret)}">`
  }

  /** Old browsers send neither header; then the token alone decides. @throws ForeignForm */
  function assertSameSite({ headers, host }: FastifyRequest) {
    const { origin, 'sec-fetch-site': site } = headers
    const isForeign =
      site === undefined
        ? origin !== undefined && hostOf(origin) !== (publicUrl ? hostOf(publicUrl) : host)
        : site !== 'same-origin' && site !== 'none'
    if (isForeign) throw new ForeignForm()
  }

  /** @throws ForeignForm, OldForm */
  function assertOwn(request: FastifyRequest, token = '') {
    assertSameSite(request)
    const secret = secretOf(request)
    const [given, wanted] = [Buffer.from(token), Buffer.from(secret ? tokenOf(secret) : '')]
    const isOwn = secret && given.length === wanted.length && timingSafeEqual(given, wanted)
    if (!isOwn) throw new OldForm()
  }

  return { field, assertSameSite, assertOwn }
}

const hostOf = (url: string) => (URL.canParse(url) ? new URL(url).host : undefined)
