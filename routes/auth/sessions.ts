import { isUtf8 } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import createError from '@fastify/error'
import { and, desc, eq, isNull, lt, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import type { Tx } from '../../plugins/db.ts'
import { ACCESS_TOKEN_LIFE } from '../../plugins/jwt.ts'

/** Days that a session may lie unused. */
const SESSION_LIFE = 60

const InvalidRefreshToken = createError(
  'INVALID_REFRESH_TOKEN',
  'The refresh token is unknown, spent or expired; log in again.',
  401,
)
const SessionNotFound = createError('SESSION_NOT_FOUND', 'You have no such session.', 404)

export type Client = { ip: string; userAgent: string }

/** Days for which a spent refresh token is remembered; after that it counts as unknown. */
const SPENT_LIFE = 30

/** Seconds by which the clocks of the database and the processes may differ. */
const CLOCK_SKEW = 300

const digest = (token: string) => createHash('sha256').update(token).digest()
const inSeconds = (seconds: number) => sql`NOW(3) + INTERVAL ${seconds} SECOND`
const inDays = (days: number) => sql`NOW(3) + INTERVAL ${days} DAY`

/**
 * The first characters of a header. Node.js takes its bytes for latin1, which they were once; today
 * clients send UTF-8.
 */
function readHeader(value: string, max: number) {
  const bytes = Buffer.from(value, 'latin1')
  return [...(isUtf8(bytes) ? bytes.toString() : value)].slice(0, max).join('')
}

/**
 * A session is a chain of refresh tokens (RFC 9700, section 4.14.2): each is stored hashed and
 * spent by its use. A spent one coming back means that it was stolen, so the session ends.
 */
export function createSessions(app: FastifyInstance) {
  const { sessions, refreshTokens } = app.tables

  /** Signs in until the session lies unused for long. @throws UserNotFound */
  async function open(userId: number, client: Client, outer?: Tx) {
    return app.transaction(async (tx) => {
      const sessionId = await insert(tx, userId, client, ACCESS_TOKEN_LIFE, inDays(SESSION_LIFE))
      return tokens(tx, userId, sessionId)
    }, outer)
  }

  /** Signs in for so many seconds, without a refresh token. @throws UserNotFound */
  async function openFor(life: number, userId: number, client: Client) {
    return app.transaction(async (tx) => {
      const sessionId = await insert(tx, userId, client, life, inSeconds(life))
      return app.accessTokens.issue(userId, sessionId, life)
    })
  }

  async function insert(tx: Tx, userId: number, client: Client, life: number, expiresAt: SQL) {
    const [{ insertId }] = await tx.insert(sessions).values({
      userId,
      // Behind a trusted proxy it is whatever the header says.
      ip: client.ip.slice(0, 45),
      userAgent: readHeader(client.userAgent, 255),
      expiresAt,
      accessUntil: inSeconds(life + CLOCK_SKEW),
    })
    await app.users.assertExist(tx, [userId])
    return insertId
  }

  async function tokens(tx: Tx, userId: number, sessionId: number) {
    const refreshToken = randomBytes(32).toString('base64url')
    await tx.insert(refreshTokens).values({ hash: digest(refreshToken), sessionId })
    const accessToken = app.accessTokens.issue(userId, sessionId)
    return { accessToken, expiresIn: ACCESS_TOKEN_LIFE, refreshToken }
  }

  /** Spends a refresh token for the next pair. @throws InvalidRefreshToken */
  async function refresh(refreshToken: string) {
    const hash = digest(refreshToken)
    const fresh = await app.transaction(async (tx) => {
      const [spent] = await tx
        .update(refreshTokens)
        .set({ spentAt: sql`NOW(3)` })
        .where(and(eq(refreshTokens.hash, hash), isNull(refreshTokens.spentAt)))
      const session = await sessionOf(tx, hash)
      if (!session) throw new InvalidRefreshToken()
      const reused = spent.affectedRows === 0
      if (reused) {
        app.log.warn({ session: session.id }, 'a spent refresh token came back; session ended')
        await end(tx, eq(sessions.id, session.id))
        return undefined
      }
      const change = {
        lastUsedAt: sql`NOW(3)`,
        expiresAt: inDays(SESSION_LIFE),
        accessUntil: sql`GREATEST(${sessions.accessUntil}, ${inSeconds(ACCESS_TOKEN_LIFE + CLOCK_SKEW)})`,
      }
      await tx.update(sessions).set(change).where(eq(sessions.id, session.id))
      return tokens(tx, session.userId, session.id)
    })
    if (!fresh) throw new InvalidRefreshToken()
    return fresh
  }

  async function sessionOf(tx: Tx, hash: Buffer) {
    const [session] = await tx
      .select({ id: sessions.id, userId: sessions.userId })
      .from(refreshTokens)
      .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
      .where(and(eq(refreshTokens.hash, hash), sql`${sessions.expiresAt} > NOW(3)`))
    return session
  }

  /** The user's sessions, latest first. */
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

  /** Ends one of the user's sessions. @throws SessionNotFound */
  async function revoke(userId: number, sessionId: number) {
    const ended = await app.transaction((tx) => {
      return end(tx, and(eq(sessions.id, sessionId), eq(sessions.userId, userId)))
    })
    if (ended === 0) throw new SessionNotFound()
  }

  const revokeAll = (userId: number, outer?: Tx) =>
    app.transaction((tx) => end(tx, eq(sessions.userId, userId)), outer)

  /** Removes the rows, refresh tokens with them, and refuses access tokens that still live. */
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
    const old = sql`NOW(3) - INTERVAL ${SPENT_LIFE} DAY`
    await app.deleteInBatches(refreshTokens, lt(refreshTokens.spentAt, old))
  }

  return { open, openFor, refresh, list, revoke, revokeAll, purge }
}
