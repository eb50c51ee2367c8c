import { randomBytes } from 'node:crypto'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { and, desc, eq, isNotNull, isNull, lt, lte, sql } from 'drizzle-orm'

/** Seconds to answer a challenge. */
export const CHALLENGE_LIFE = 300
/** Bytes; WebAuthn asks for at least 16. */
const CHALLENGE = 32
/** Challenges of an account, at most; more than a guesser of passwords may ask for while the owner answers. */
const MOST = 20

/** Challenges that passkeys sign. Each is answered once; a registration is bound to its session. */
export function createChallenges(app: FastifyInstance) {
  const { passkeyChallenges: table } = app.tables

  async function issue(userId: number, sessionId: number | null) {
    const challenge = randomBytes(CHALLENGE)
    const expiresAt = sql`NOW(3) + INTERVAL ${CHALLENGE_LIFE} SECOND`
    await app.transaction(async (tx) => {
      await tx.insert(table).values({ userId, sessionId, challenge, expiresAt })
      const [oldest] = await tx
        .select({ id: table.id })
        .from(table)
        .where(eq(table.userId, userId))
        .orderBy(desc(table.id))
        .limit(1)
        .offset(MOST)
      if (oldest)
        await tx.delete(table).where(and(eq(table.userId, userId), lte(table.id, oldest.id)))
    })
    return challenge
  }

  /** Uses up the challenge; false if it is unknown, used, expired or another session's. */
  async function spend(
    userId: number,
    sessionId: number | null,
    challenge: Buffer,
    db: Db | Tx = app.db,
  ) {
    const [{ affectedRows }] = await db
      .delete(table)
      .where(
        and(
          eq(table.userId, userId),
          eq(table.challenge, challenge),
          sessionId === null ? isNull(table.sessionId) : eq(table.sessionId, sessionId),
          sql`${table.expiresAt} > NOW(3)`,
        ),
      )
    return affectedRows > 0
  }

  const revokeRegistrations = async (userId: number, db: Db | Tx) =>
    void (await db.delete(table).where(and(eq(table.userId, userId), isNotNull(table.sessionId))))

  const erase = async (userId: number, db: Db | Tx) =>
    void (await db.delete(table).where(eq(table.userId, userId)))

  const purge = () => app.deleteInBatches(table, lt(table.expiresAt, sql`NOW(3)`))

  return { issue, spend, revokeRegistrations, erase, purge }
}
