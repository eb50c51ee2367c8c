import { bytes32, createdAt, id, reference } from 'birdhouse/columns'
import { index, mysqlTable } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    webSessions: typeof webSessions
  }
}

/** The secret of a cookie, hashed, and the session that it stands for. */
export const webSessions = mysqlTable(
  'web_sessions',
  {
    hash: bytes32().primaryKey(),
    userId: reference('users', { onDelete: 'cascade' }).notNull(),
    sessionId: id().notNull(),
    createdAt: createdAt(),
  },
  (t) => [index('web_sessions_session').on(t.sessionId)],
)
