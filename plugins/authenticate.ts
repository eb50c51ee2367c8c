import createError from '@fastify/error'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Use `app.auth.actAs`. */
    actAs: (request: FastifyRequest, userId: number, sessionId: number) => Promise<void>
    /** onRequest hook: requires a valid access token. @throws 401 */
    authenticate: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
    /** onRequest hook: allows requests without a token; a token that is sent must be valid. @throws 401 */
    identify: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  }
  interface FastifyRequest {
    /** The signed-in user. @throws 401 when the request has no token, as on a route without `authenticate` */
    readonly viewer: Viewer
    /** The id of the signed-in user, or undefined for a request without a token. */
    readonly viewerId: number | undefined
    identity: Viewer | null
  }
}

export type Viewer = { userId: number; sessionId: number }

/** A method of pino that Fastify's type of a logger lacks. */
type Bound = { setBindings: (bindings: object) => void }

const Unauthenticated = createError(
  'UNAUTHENTICATED',
  'Send the header Authorization: Bearer <access token>.',
  401,
)
const InvalidToken = createError(
  'INVALID_TOKEN',
  'The access token is malformed, forged or expired; refresh it or log in again.',
  401,
)
const SessionRevoked = createError('SESSION_REVOKED', 'This session has ended; log in again.', 401)

export default fp(
  async (app) => {
    app.decorateRequest('identity', null)
    app.decorateRequest('viewer', {
      getter(this: FastifyRequest) {
        if (!this.identity) throw new Unauthenticated()
        return this.identity
      },
    })
    app.decorateRequest('viewerId', {
      getter(this: FastifyRequest) {
        return this.identity?.userId
      },
    })

    app.decorate('authenticate', async (request) => {
      if (!/^Bearer \S/i.test(request.headers.authorization ?? '')) throw new Unauthenticated()
      const { sub, sid } = await request.jwtVerify<{ sub: string; sid: number }>().catch(() => {
        throw new InvalidToken()
      })
      await app.actAs(request, Number(sub), sid)
    })

    app.decorate('actAs', async (request, userId, sessionId) => {
      if (await app.revocation.isRevoked(sessionId)) throw new SessionRevoked()
      request.identity = { userId, sessionId }
      // Each request has a logger of its own.
      const log = request.log as Partial<Bound>
      log.setBindings?.({ userId })
    })

    app.decorate('identify', async (request, reply) => {
      if (request.headers.authorization !== undefined) await app.authenticate(request, reply)
    })
  },
  { name: 'authenticate', dependencies: ['jwt', 'revocation'] },
)
