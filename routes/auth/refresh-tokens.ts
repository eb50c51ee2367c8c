import { createHash, createHmac, randomBytes } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNotNull, lt, ne, sql } from 'drizzle-orm'

/** Seconds for which a refresh may be repeated: Supabase Auth's default. Amazon Cognito allows up to 60. */
const REPEAT_GRACE = 10
/** Days until a spent refresh token is purged and counts as unknown. */
const SPENT_LIFE = 30

export const InvalidRefreshToken = createError(
  'INVALID_REFRESH_TOKEN',
  'The refresh token is unknown, already used or expired; log in again.',
  401,
)

const digest = (token: string) => createHash('sha256').update(token).digest()

/** Only the holder of a token can compute its successor: the database stores only the salt. */
const successorOf = (token: string, salt: Buffer) =>
  createHmac('sha256', token).update(salt).digest('base64url')

/**
 * A session has a chain of refresh tokens (RFC 9700, section 4.14.2). Each token is stored hashed and
 * is valid for one use. The use may be repeated for `REPEAT_GRACE` seconds, because two tabs may
 * refresh at once and an answer may be lost.
 */
export function createRefreshTokens(app: FastifyInstance) {
  const { sessions, refreshTokens } = app.tables

  /** Creates the first token of a session. */
  async function issue(tx: Tx, sessionId: number) {
    const token = randomBytes(32).toString('base64url')
    await store(tx, sessionId, token)
    return token
  }

  const store = (tx: Tx, sessionId: number, token: string) =>
    tx.insert(refreshTokens).values({ hash: digest(token), sessionId })

  /**
   * Spends a token and returns its successor; a repeat within `REPEAT_GRACE` returns the same
   * successor. `successor` is undefined when the token was spent earlier, or when its successor is
   * spent too: then the token was probably stolen. `age` is the session's in seconds. @throws InvalidRefreshToken, TooManyRequests
   */
  async function spend(tx: Tx, token: string) {
    const hash = digest(token)
    const found = await hold(tx, hash)
    if (!found) throw new InvalidRefreshToken()
    const { sessionId, userId, age, spentAt, repeatable, successorSalt } = found
    await app.limits.spend('refresh', 'account', String(userId))
    if (spentAt) {
      const successor = successorSalt && repeatable ? successorOf(token, successorSalt) : undefined
      return { sessionId, userId, age, successor }
    }
    const salt = randomBytes(32)
    const successor = successorOf(token, salt)
    await deleteSalts(tx, sessionId, hash)
    await tx
      .update(refreshTokens)
      .set({ spentAt: sql`NOW(3)`, successorSalt: salt })
      .where(eq(refreshTokens.hash, hash))
    await store(tx, sessionId, successor)
    return { sessionId, userId, age, successor }
  }

  /** Locks the token and its session, so that the second of two concurrent refreshes sees the first. */
  async function hold(tx: Tx, hash: Buffer) {
    const [found] = await tx
      .select({
        sessionId: sessions.id,
        userId: sessions.userId,
        age: sql`TIMESTAMPDIFF(SECOND, ${sessions.createdAt}, NOW(3))`.mapWith(Number),
        spentAt: refreshTokens.spentAt,
        repeatable:
          sql`${refreshTokens.spentAt} > NOW(3) - INTERVAL ${REPEAT_GRACE} SECOND`.mapWith(Boolean),
        successorSalt: refreshTokens.successorSalt,
      })
      .from(refreshTokens)
      .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
      .where(and(eq(refreshTokens.hash, hash), sql`${sessions.expiresAt} > NOW(3)`))
      .for('update')
    return found
  }

  /** Ends the repeats of all other tokens of the session. */
  async function deleteSalts(tx: Tx, sessionId: number, hash: Buffer) {
    const others = and(eq(refreshTokens.sessionId, sessionId), ne(refreshTokens.hash, hash))
    await tx
      .update(refreshTokens)
      .set({ successorSalt: null })
      .where(and(others, isNotNull(refreshTokens.successorSalt)))
  }

  async function purge() {
    const old = sql`NOW(3) - INTERVAL ${SPENT_LIFE} DAY`
    await app.deleteInBatches(refreshTokens, lt(refreshTokens.spentAt, old))
  }

  return { issue, spend, purge }
}
