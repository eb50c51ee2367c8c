import { index, mysqlTable, primaryKey } from 'drizzle-orm/mysql-core'
import { bytes32, createdAt, jsonText, reference, text } from '../columns.ts'

export const idempotencyKeys = mysqlTable(
  'idempotency_keys',
  {
    userId: reference('users').notNull(),
    key: text({ length: 255 }).notNull(),
    requestHash: bytes32().notNull(),
    answer: jsonText().notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.key] }),
    index('idempotency_keys_age').on(t.createdAt),
  ],
)
