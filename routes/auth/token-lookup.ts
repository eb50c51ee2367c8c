import type { FastifyInstance } from 'birdhouse'
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { MySqlColumn, MySqlTable } from 'drizzle-orm/mysql-core'

/** Tokens of one kind, hashed, each with its session. */
type Tokens = MySqlTable & { hash: MySqlColumn; sessionId: MySqlColumn }

export function createTokenLookup(app: FastifyInstance) {
  const { sessions, users } = app.tables

  /**
   * The row of the token with this hash and its open session; undefined if there is none, if the account is hidden, or
   * without `where`, a further condition.
   */
  return async <Table extends Tokens>(tokens: Table, hash: Buffer, where?: SQL) => {
    const [found] = await app.db
      .select({
        token: tokens as Tokens,
        sessionId: sessions.id,
        userId: sessions.userId,
        lastUsedAt: sessions.lastUsedAt,
      })
      .from(tokens as Tokens)
      .innerJoin(sessions, eq(sessions.id, tokens.sessionId))
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(
        and(
          eq(tokens.hash, hash),
          sql`${sessions.expiresAt} > NOW(3)`,
          isNull(users.hiddenAt),
          where,
        ),
      )
    return found && { ...found, token: found.token as Table['$inferSelect'] }
  }
}
