import { createHash } from 'node:crypto'
import jwt, { type Secret } from '@fastify/jwt'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    accessTokens: ReturnType<typeof createAccessTokens>
  }
}
declare module '@fastify/jwt' {
  interface FastifyJWT {
    payload: { sub: string; sid: number }
    user: { sub: string; sid: number }
  }
}

/** Seconds an access token is valid; short, because every process keeps revoked sessions that long. */
const ACCESS_TOKEN_LIFE = 15 * 60

const ISSUER = 'birdhouse'

/** Returns a key id (`kid`, RFC 7515, section 4.1.4) that does not reveal the secret. */
const keyId = (secret: string) =>
  createHash('sha256').update(`kid:${secret}`).digest('hex').slice(0, 16)

function createAccessTokens(app: FastifyInstance) {
  /** Signs an access token with the newest secret; `life` is in seconds. */
  function issue(userId: number, sessionId: number, life = ACCESS_TOKEN_LIFE) {
    return app.jwt.sign({ sub: String(userId), sid: sessionId }, { expiresIn: life })
  }
  return { issue, life: ACCESS_TOKEN_LIFE }
}

export default fp(
  async (app) => {
    const [newest = '', ...older] = app.config.jwtSecrets
    const secrets = new Map([newest, ...older].map((secret) => [keyId(secret), secret]))
    // A token with an unknown key id is checked against the newest secret, which fails.
    const secretOf = async (_request: FastifyRequest, token: { header: { kid?: string } }) =>
      secrets.get(token.header.kid ?? '') ?? newest
    await app.register(jwt, {
      decode: { complete: true },
      // The package's types lack this documented form with `decode.complete`.
      secret: secretOf as unknown as Secret,
      sign: { algorithm: 'HS256', key: newest, kid: keyId(newest), iss: ISSUER, aud: ISSUER },
      verify: {
        algorithms: ['HS256'],
        allowedIss: ISSUER,
        allowedAud: ISSUER,
        requiredClaims: ['sub', 'sid', 'exp', 'iss', 'aud'],
      },
    })
    app.decorate('accessTokens', createAccessTokens(app))
  },
  { name: 'jwt', dependencies: ['config'] },
)
