import { bytes32, createdAt, id, reference, text, time } from 'birdhouse/columns'
import { bigint, index, int, mysqlTable, tinyint, uniqueIndex } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    dataExports: typeof dataExports
  }
}

/** Archives of the data of accounts. The row names its objects before the first is stored. */
export const dataExports = mysqlTable(
  'data_exports',
  {
    id: id().autoincrement().primaryKey(),
    userId: reference('users').notNull(),
    /** 1 until the archive is ready or has failed, then NULL: one at a time. */
    open: tinyint().default(1),
    /** The folder of the objects; each run of the job has another. */
    key: text({ length: 64 }),
    /** The key of the cipher, which the bucket does not hold. */
    secret: bytes32(),
    parts: int().notNull().default(0),
    bytes: bigint({ mode: 'number', unsigned: true }).notNull().default(0),
    createdAt: createdAt(),
    readyAt: time(),
    expiresAt: time(),
  },
  (t) => [
    uniqueIndex('data_exports_open').on(t.userId, t.open),
    index('data_exports_user').on(t.userId, t.id),
    index('data_exports_key').on(t.key),
    index('data_exports_expires').on(t.expiresAt),
    index('data_exports_created').on(t.open, t.createdAt),
  ],
)
