import { isUtf8 } from 'node:buffer'
import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import { and, desc, eq, lt, ne, type SQL, sql } from 'drizzle-orm'
import { createRefreshTokens, InvalidRefreshToken } from './refresh-tokens.ts'

/** Days until a session without a refresh expires. */
const SESSION_LIFE = 60

const SessionNotFound = createError('SESSION_NOT_FOUND', 'You have no session with this id.', 404)

export type Client = { ip: string; userAgent: string }

/** Most seconds by which the clocks of the database and of the processes may differ. */
const CLOCK_SKEW = 300

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
      const sessionId = await insert(
        tx,
        userId,
        client,
        app.accessTokens.life,
        inDays(SESSION_LIFE),
      )
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

  async function insert(tx: Tx, userId: number, client: Client, life: number, expiresAt: SQL) {
    const row = { userId, ip: client.ip, userAgent: readHeader(client.userAgent, 255) }
    const [{ insertId }] = await tx
      .insert(sessions)
      .values({ ...row, expiresAt, accessUntil: inSeconds(life + CLOCK_SKEW) })
      .catch(async (error) => {
        // The account was erased after its credentials were checked.
        if (app.errors.isMissingParent(error)) await app.users.assertExist(tx, [userId])
        throw error
      })
    await app.users.assertExist(tx, [userId])
    return insertId
  }

  const tokens = (userId: number, sessionId: number, refreshToken: string) => ({
    accessToken: app.accessTokens.issue(userId, sessionId),
    expiresIn: app.accessTokens.life,
    refreshToken,
  })

  /** Exchanges a refresh token for new tokens; its reuse ends the session. @throws InvalidRefreshToken */
  async function refresh(refreshToken: string) {
    const fresh = await app.transaction(async (tx) => {
      const { sessionId, userId, successor } = await refreshTokens.spend(tx, refreshToken)
      if (successor === undefined) {
        app.securityLog('authn_token_reuse', { userId, sessionId }, tx)
        await end(tx, eq(sessions.id, sessionId))
        return undefined
      }
      const change = {
        lastUsedAt: sql`NOW(3)`,
        expiresAt: inDays(SESSION_LIFE),
        accessUntil: sql`GREATEST(${sessions.accessUntil}, ${inSeconds(app.accessTokens.life + CLOCK_SKEW)})`,
      }
      await tx.update(sessions).set(change).where(eq(sessions.id, sessionId))
      return tokens(userId, sessionId, successor)
    })
    if (!fresh) throw new InvalidRefreshToken()
    return fresh
  }

  /** Returns the user's sessions, newest first. */
  async function list(userId: number, currentId: number) {
    const rows = await app.db
      .select()
      .from(sessions)
      .where(and(eq(sessions.userId, userId), sql`${sessions.expiresAt} > NOW(3)`))
      .orderBy(desc(sessions.id))
    return rows.map(({ id, ip, userAgent, createdAt, lastUsedAt }) => ({
      id,
      current: id === currentId,
      ip,
      userAgent,
      createdAt: createdAt.toISOString(),
      lastUsedAt: lastUsedAt.toISOString(),
    }))
  }

  async function exists(userId: number, sessionId: number) {
    const own = and(eq(sessions.id, sessionId), eq(sessions.userId, userId))
    const rows = await app.db
      .select({ id: sessions.id })
      .from(sessions)
      .where(and(own, sql`${sessions.expiresAt} > NOW(3)`))
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

  /** Deletes the sessions and their refresh tokens, and revokes their access tokens. */
  async function end(tx: Tx, which: SQL | undefined) {
    const ended = await tx
      .select({ sessionId: sessions.id, until: sessions.accessUntil })
      .from(sessions)
      .where(which)
      .for('update')
    await app.revocation.revoke(tx, ended)
    await tx.delete(sessions).where(which)
    return ended.length
  }

  async function purge() {
    await app.deleteInBatches(sessions, lt(sessions.expiresAt, sql`NOW(3)`))
    await refreshTokens.purge()
  }

  return { open, openFor, refresh, list, exists, revoke, revokeAll, revokeOthers, purge }
}
