import { bytes32, createdAt, id, reference, text } from 'birdhouse/columns'
import { index, mysqlTable } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    webSessions: typeof webSessions
    webForms: typeof webForms
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

/** Forms that were sent: a hash of what each says with its one-time value, and its outcome, sealed with that value. */
export const webForms = mysqlTable('web_forms', {
  hash: bytes32().primaryKey(),
  outcome: text({ length: 2000 }),
  createdAt: createdAt(),
})
