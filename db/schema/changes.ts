import { index, mysqlTable } from 'drizzle-orm/mysql-core'
import { createdAt, id, text } from '../columns.ts'

/** Recent invalidations of cached values; see plugins/cache. */
export const changes = mysqlTable(
  'changes',
  {
    id: id().autoincrement().primaryKey(),
    topic: text({ length: 40 }).notNull(),
    subject: id().notNull(),
    createdAt: createdAt(),
  },
  (t) => [index('changes_age').on(t.createdAt)],
)
