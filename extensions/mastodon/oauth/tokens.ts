import createError from '@fastify/error'
import type { FastifyInstance, FastifyRequest, Tx } from 'birdhouse'
import { and, eq, isNotNull, isNull, sql } from 'drizzle-orm'
import { includes } from './scopes.ts'
import { hashOf } from './secrets.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that the token of a person needs. */
    scope?: string
    /** True if a request without a token is answered as well. */
    isOpen?: boolean
  }
}

/** Days until the token of an app without a person is purged: anybody can get as many as the limits allow. */
const OF_APP_ALONE = 30
/** Milliseconds between two notes of the use of a session. */
const TOUCH_EVERY = 24 * 3_600_000

const InvalidToken = createError('INVALID_TOKEN', 'The access token is invalid', 401)
const NeedsUser = createError('NEEDS_USER', 'This method requires an authenticated user', 422)
const OutOfScope = createError('OUT_OF_SCOPE', 'This action is outside the authorized scopes', 403)

/** Opaque tokens, hashed at rest. A token is valid as long as its session. */
export function createTokens(app: FastifyInstance) {
  const { mastodonTokens: tokens, mastodonApps: apps, sessions, users } = app.tables

  type NewToken = { appId: number; userId: number | null; sessionId: number | null; scopes: string }

  const store = async (token: string, row: NewToken, tx?: Tx) =>
    void (await (tx ?? app.db).insert(tokens).values({ ...row, hash: hashOf(token) }))

  async function find(token: string) {
    const [row] = await app.db
      .select({
        appId: tokens.appId,
        userId: tokens.userId,
        sessionId: tokens.sessionId,
        scopes: tokens.scopes,
        lastUsedAt: sessions.lastUsedAt,
        appName: apps.name,
        website: apps.website,
      })
      .from(tokens)
      .innerJoin(apps, eq(apps.id, tokens.appId))
      .leftJoin(sessions, eq(sessions.id, tokens.sessionId))
      .leftJoin(users, eq(users.id, tokens.userId))
      .where(
        and(
          eq(tokens.hash, hashOf(token)),
          sql`(${tokens.userId} IS NULL OR (${sessions.expiresAt} > NOW(3) AND ${users.hiddenAt} IS NULL))`,
        ),
      )
    return row
  }

  const sentBy = ({ headers }: FastifyRequest) =>
    /^Bearer +([\w-]{1,200})$/i.exec(headers.authorization ?? '')?.[1]

  /** The token of the request, of a person or of an app alone. @throws 401 */
  async function ofRequest(request: FastifyRequest) {
    const found = await find(sentBy(request) ?? '')
    if (!found) throw new InvalidToken()
    return found
  }

  /** An onRequest hook: a route with a `scope` needs the token of a person that has it. */
  async function authenticate(request: FastifyRequest) {
    const { scope, isOpen } = request.routeOptions.config
    if (scope === undefined || (isOpen && request.headers.authorization === undefined)) return
    const { userId, sessionId, scopes, lastUsedAt } = await ofRequest(request)
    if (userId === null || sessionId === null) {
      if (isOpen) return
      throw new NeedsUser()
    }
    if (!includes(scopes.split(' '), scope)) throw new OutOfScope()
    await app.auth.actAs(request, userId, sessionId)
    if (lastUsedAt && Date.now() - lastUsedAt.getTime() > TOUCH_EVERY)
      await app.auth.sessions.touch(sessionId)
  }

  /** Ends the session of a token, if the token is of this app. */
  async function revoke(token: string, appId: number) {
    const found = await find(token)
    if (found?.appId !== appId) return
    if (found.userId !== null && found.sessionId !== null)
      await app.auth.sessions.revoke(found.userId, found.sessionId)
    await app.db.delete(tokens).where(eq(tokens.hash, hashOf(token)))
  }

  /** Deletes the tokens whose session has ended, and old ones of apps alone. */
  async function purge() {
    const hasEnded = sql`NOT EXISTS (SELECT 1 FROM ${sessions} WHERE ${sessions.id} = ${tokens.sessionId})`
    await app.deleteInBatches(tokens, and(isNotNull(tokens.sessionId), hasEnded))
    const isOld = sql`${tokens.createdAt} < NOW(3) - INTERVAL ${OF_APP_ALONE} DAY`
    await app.deleteInBatches(tokens, and(isNull(tokens.sessionId), isOld))
  }

  return { store, find, ofRequest, authenticate, revoke, purge }
}
