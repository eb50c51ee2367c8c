import { isUtf8 } from 'node:buffer'
import createError from '@fastify/error'
import type { FastifyInstance, PageRequest, Tx } from 'birdhouse'
import { and, desc, eq, inArray, ne, type SQL, sql } from 'drizzle-orm'
import { createRefreshTokens, InvalidRefreshToken } from './refresh-tokens.ts'
import { createSessionPurge } from './session-purge.ts'
import { createTokenLookup } from './token-lookup.ts'

/** Days until a session ends, however often it is refreshed. */
const ABSOLUTE_LIFE = 90
/** Days until a session without a refresh ends. */
const IDLE_LIFE = 30
/** Days until a session of an app ends that is not used. */
const APP_LIFE = 365
/** Open sessions of an account, at most; a new one ends the one with the oldest last use. */
const MOST = 50

const SessionNotFound = createError('SESSION_NOT_FOUND', 'You have no session with this id.', 404)

export type Client = { ip: string; userAgent: string; app?: string }

/** Most seconds by which the clocks of the database and of the processes may differ. */
const CLOCK_SKEW = 300
/** Seconds. */
const DAY = 86_400

const inSeconds = (seconds: number) => sql`NOW(3) + INTERVAL ${seconds} SECOND`
const inDays = (days: number) => sql`NOW(3) + INTERVAL ${days} DAY`

/** Returns the first `max` characters. Node.js decodes headers as latin1; current clients send UTF-8. */
function readHeader(value: string, max: number) {
  const bytes = Buffer.from(value, 'latin1')
  return [...(isUtf8(bytes) ? bytes.toString() : value)].slice(0, max).join('')
}

export function createSessions(app: FastifyInstance) {
  const { sessions } = app.tables
  const refreshTokens = createRefreshTokens(app)

  /** Opens a session with an access and a refresh token. @throws UserNotFound */
  async function open(userId: number, client: Client, outer?: Tx) {
    return app.transaction(async (tx) => {
      const { life } = app.accessTokens
      const sessionId = await insert(tx, userId, client, life, inDays(IDLE_LIFE))
      return tokens(userId, sessionId, await refreshTokens.issue(tx, sessionId))
    }, outer)
  }

  /** Opens a session of `life` seconds and returns its access token; no refresh. @throws UserNotFound */
  async function openFor(life: number, userId: number, client: Client, outer?: Tx) {
    return app.transaction(async (tx) => {
      const sessionId = await insert(tx, userId, client, life, inSeconds(life))
      return app.accessTokens.issue(userId, sessionId, life)
    }, outer)
  }

  /**
   * Opens a session for an app with tokens of its own kind, and returns its id. It has a name in the list of sessions
   * and ends when it is not used for a year. @throws UserNotFound
   */
  const openForApp = (userId: number, client: Client & { app: string }, outer?: Tx) =>
    app.transaction((tx) => insert(tx, userId, client, 0, inDays(APP_LIFE)), outer)

  /** Notes the use of a session of an app. */
  const touch = async (sessionId: number) =>
    void (await app.db
      .update(sessions)
      .set({ lastUsedAt: sql`NOW(3)`, expiresAt: inDays(APP_LIFE) })
      .where(eq(sessions.id, sessionId)))

  async function insert(tx: Tx, userId: number, client: Client, life: number, expiresAt: SQL) {
    // Simultaneous logins of an account take turns, so that they never exceed `MOST`.
    await app.users.states.lock(tx, userId)
    await app.users.assertExist(tx, [userId])
    const userAgent = readHeader(client.userAgent, 255)
    const row = { userId, ip: client.ip, userAgent, app: client.app ?? null }
    const [{ insertId }] = await tx
      .insert(sessions)
      .values({ ...row, expiresAt, accessUntil: inSeconds(life + CLOCK_SKEW) })
    await endOldest(tx, userId, insertId)
    return insertId
  }

  async function endOldest(tx: Tx, userId: number, newId: number) {
    const others = and(isOpen(userId), ne(sessions.id, newId))
    const open = await tx
      .select({ id: sessions.id })
      .from(sessions)
      .where(others)
      .orderBy(desc(sessions.lastUsedAt), desc(sessions.id))
    const ids = open.slice(MOST - 1).map(({ id }) => id)
    if (ids.length > 0) await end(tx, inArray(sessions.id, ids))
  }

  const isOpen = (userId: number) =>
    and(eq(sessions.userId, userId), sql`${sessions.expiresAt} > NOW(3)`)

  const tokens = (
    userId: number,
    sessionId: number,
    refreshToken: string,
    expiresIn = app.accessTokens.life,
  ) => ({
    accessToken: app.accessTokens.issue(userId, sessionId, expiresIn),
    expiresIn,
    refreshToken,
  })

  /** Exchanges a refresh token for new tokens; its reuse ends the session. @throws InvalidRefreshToken */
  async function refresh(refreshToken: string) {
    const fresh = await app.transaction(async (tx) => {
      const spent = await refreshTokens.spend(tx, refreshToken)
      const { sessionId, userId, successor } = spent
      if (successor === undefined) {
        app.securityLog('authn_token_reuse', { userId, sessionId }, tx)
        await end(tx, eq(sessions.id, sessionId))
        return undefined
      }
      const change = {
        lastUsedAt: sql`NOW(3)`,
        expiresAt: sql`LEAST(${inDays(IDLE_LIFE)}, ${sessions.createdAt} + INTERVAL ${ABSOLUTE_LIFE} DAY)`,
        accessUntil: sql`GREATEST(${sessions.accessUntil}, ${inSeconds(app.accessTokens.life + CLOCK_SKEW)})`,
      }
      await tx.update(sessions).set(change).where(eq(sessions.id, sessionId))
      const secondsLeft = ABSOLUTE_LIFE * DAY - spent.age
      return tokens(userId, sessionId, successor, Math.min(app.accessTokens.life, secondsLeft))
    })
    if (!fresh) throw new InvalidRefreshToken()
    return fresh
  }

  /** Returns a page of the user's sessions, newest first. @throws InvalidCursor */
  async function list(userId: number, currentId: number, request: PageRequest) {
    const ofUser = { name: `sessions:${userId}`, id: sessions.id }
    const { items, nextCursor } = await app.pages.read(ofUser, request, (page) =>
      app.db
        .select()
        .from(sessions)
        .where(and(isOpen(userId), page.where))
        .orderBy(page.orderBy)
        .limit(page.limit),
    )
    return { items: items.map((row) => present(row, currentId)), nextCursor }
  }

  const present = (row: typeof sessions.$inferSelect, currentId: number) => ({
    id: row.id,
    current: row.id === currentId,
    ip: row.ip,
    userAgent: row.userAgent,
    app: row.app,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt.toISOString(),
  })

  async function exists(userId: number, sessionId: number) {
    const rows = await app.db
      .select({ id: sessions.id })
      .from(sessions)
      .where(and(isOpen(userId), eq(sessions.id, sessionId)))
    return rows.length > 0
  }

  /** Ends one of the user's sessions. @throws SessionNotFound */
  async function revoke(userId: number, sessionId: number) {
    const ended = await app.transaction((tx) => {
      return end(tx, and(eq(sessions.id, sessionId), eq(sessions.userId, userId)))
    })
    if (ended === 0) throw new SessionNotFound()
    app.securityLog('session_terminated', { userId, sessionId })
  }

  const revokeAll = (userId: number, outer?: Tx) =>
    app.transaction((tx) => end(tx, eq(sessions.userId, userId)), outer)

  const revokeOthers = (userId: number, keptId: number, outer?: Tx) =>
    app.transaction(
      (tx) => end(tx, and(eq(sessions.userId, userId), ne(sessions.id, keptId))),
      outer,
    )

  /** An app's token may be remembered as long as an access token lives. */
  const accessUntil =
    sql`CASE WHEN ${sessions.app} IS NULL THEN ${sessions.accessUntil} ELSE ${inSeconds(app.accessTokens.life + CLOCK_SKEW)} END`.mapWith(
      sessions.accessUntil,
    )

  /** Deletes the sessions and their refresh tokens, and revokes their access tokens. */
  async function end(tx: Tx, which: SQL | undefined) {
    const ended = await tx
      .select({ sessionId: sessions.id, until: accessUntil })
      .from(sessions)
      .where(which)
      .for('update')
    await app.revocation.revoke(tx, ended)
    await tx.delete(sessions).where(which)
    return ended.length
  }

  return {
    open,
    openFor,
    openForApp,
    touch,
    byToken: createTokenLookup(app),
    refresh,
    list,
    exists,
    revoke,
    revokeAll,
    revokeOthers,
    purge: createSessionPurge(app, refreshTokens.purge),
  }
}
