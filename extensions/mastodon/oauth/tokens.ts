import createError from '@fastify/error'
import type { FastifyInstance, FastifyRequest, Tx } from 'birdhouse'
import { and, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
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

/** Tokens that a process remembers, about 500 bytes each, and for how many milliseconds at most. */
const REMEMBERED = 20_000
const MEMORY = 60_000
/** Days until the token of an app without a person is purged: anybody can get as many as the limits allow. */
const OF_APP_ALONE = 30
/** Milliseconds between two notes of the use of a session. */
const TOUCH_EVERY = 24 * 3_600_000

const InvalidToken = createError('INVALID_TOKEN', 'The access token is invalid', 401)
const NeedsUser = createError('NEEDS_USER', 'This method requires an authenticated user', 422)
const OutOfScope = createError('OUT_OF_SCOPE', 'This action is outside the authorized scopes', 403)

/** Opaque tokens, hashed at rest. A token is valid as long as its session. */
export function createTokens(app: FastifyInstance) {
  const { mastodonTokens: tokens, sessions, users } = app.tables

  type NewToken = { appId: number; userId: number | null; sessionId: number | null; scopes: string }

  const store = async (token: string, row: NewToken, tx?: Tx) =>
    void (await (tx ?? app.db).insert(tokens).values({ ...row, hash: hashOf(token) }))

  async function read(hash: Buffer) {
    const found = await app.auth.sessions.byToken(tokens, hash)
    if (!found) return ofAppAlone(hash)
    const { token, userId, sessionId, lastUsedAt } = found
    return { appId: token.appId, scopes: token.scopes, userId, sessionId, lastUsedAt }
  }

  async function ofAppAlone(hash: Buffer) {
    const [token] = await app.db
      .select({ appId: tokens.appId, scopes: tokens.scopes })
      .from(tokens)
      .where(and(eq(tokens.hash, hash), isNull(tokens.sessionId)))
    return token && { ...token, userId: null, sessionId: null, lastUsedAt: null }
  }

  /**
   * Valid tokens by their hash. `actAs` refuses those whose session has ended meanwhile: at once in the process that ended
   * it, within 1 s in others, as for Birdhouse's own access tokens.
   */
  const remembered = new LRUCache<string, NonNullable<Awaited<ReturnType<typeof read>>>>({
    max: REMEMBERED,
    ttl: MEMORY,
    fetchMethod: (hash) => read(Buffer.from(hash, 'base64')),
  })
  const keyOf = (token: string) => hashOf(token).toString('base64')
  const find = (token: string) => remembered.fetch(keyOf(token))

  const sentBy = ({ headers }: FastifyRequest) =>
    /^Bearer +([\w-]{1,200})$/i.exec(headers.authorization ?? '')?.[1]

  /** The token of the request, of a person, who is the viewer then, or of an app alone. @throws 401 */
  async function ofRequest(request: FastifyRequest, elsewhere = '') {
    const found = await find(sentBy(request) ?? elsewhere)
    if (!found) throw new InvalidToken()
    const { userId, sessionId } = found
    if (userId === null || sessionId === null) return found
    await app.auth.actAs(request, userId, sessionId).catch((error) => {
      throw error.code === 'SESSION_REVOKED' ? new InvalidToken() : error
    })
    return found
  }

  /** An onRequest hook: a route with a `scope` needs the token of a person that has it. */
  async function authenticate(request: FastifyRequest) {
    const { scope, isOpen } = request.routeOptions.config
    if (scope === undefined || (isOpen && request.headers.authorization === undefined)) return
    const token = await ofRequest(request)
    if (isOpen && token.sessionId === null) return
    await use(token, scope)
  }

  type Token = Awaited<ReturnType<typeof ofRequest>>

  /** Lets the person of the token do what needs this scope. @throws NeedsUser for an app alone, OutOfScope */
  async function use(token: Token, scope?: string) {
    const { sessionId, scopes, lastUsedAt } = token
    if (sessionId === null) throw new NeedsUser()
    if (scope !== undefined && !includes(scopes.split(' '), scope)) throw new OutOfScope()
    if (lastUsedAt && Date.now() - lastUsedAt.getTime() > TOUCH_EVERY) {
      token.lastUsedAt = new Date()
      await app.auth.sessions.touch(sessionId)
    }
  }

  /** Picks the sessions whose tokens are still valid, with one query. */
  async function openAmong(sessionIds: number[]) {
    const rows = await app.db
      .select({ id: sessions.id })
      .from(sessions)
      .innerJoin(users, and(eq(users.id, sessions.userId), isNull(users.hiddenAt)))
      .where(and(inArray(sessions.id, sessionIds), sql`${sessions.expiresAt} > NOW(3)`))
    return new Set(rows.map(({ id }) => id))
  }

  /** Ends the session of a token, if the token is of this app. */
  async function revoke(token: string, appId: number) {
    const found = await find(token)
    if (found?.appId !== appId) return
    if (found.userId !== null && found.sessionId !== null)
      await app.auth.sessions.revoke(found.userId, found.sessionId)
    await app.db.delete(tokens).where(eq(tokens.hash, hashOf(token)))
    remembered.delete(keyOf(token))
  }

  /** Deletes the tokens whose session has ended, and old ones of apps alone. */
  async function purge() {
    const hasEnded = sql`NOT EXISTS (SELECT 1 FROM ${sessions} WHERE ${sessions.id} = ${tokens.sessionId})`
    await app.deleteInBatches(tokens, and(isNotNull(tokens.sessionId), hasEnded))
    const isOld = sql`${tokens.createdAt} < NOW(3) - INTERVAL ${OF_APP_ALONE} DAY`
    await app.deleteInBatches(tokens, and(isNull(tokens.sessionId), isOld))
  }

  return { store, find, ofRequest, use, openAmong, authenticate, revoke, purge }
}

/** @throws OutOfScope */
export function assertScope(scopes: string[], wanted: string) {
  if (!includes(scopes, wanted)) throw new OutOfScope()
}
