import { index, int, mysqlTable, tinyint, uniqueIndex } from 'drizzle-orm/mysql-core'
import { createdAt, id, jsonText, text, time } from '../columns.ts'

/**
 * `runAt` is the due time of a waiting job and the end of the lease of a running job, so a job whose
 * worker died is due again.
 */
export const jobs = mysqlTable(
  'jobs',
  {
    id: id().autoincrement().primaryKey(),
    name: text({ length: 100 }).notNull(),
    payload: jsonText().notNull(),
    progress: jsonText(),
    /** At most one job per key; used by recurring jobs. */
    uniqueKey: text({ length: 100 }),
    runAt: time().notNull(),
    token: text({ length: 36 }),
    attempts: int().notNull().default(0),
    /** The account whose act added the job, if any, and the level that its number of jobs gave it. */
    account: id(),
    level: tinyint().notNull().default(0),
    error: text({ length: 1000 }),
    deadAt: time(),
    createdAt: createdAt(),
  },
  (t) => [
    index('jobs_due').on(t.name, t.level, t.deadAt, t.runAt),
    // Counts and lists the few dead jobs among many live ones.
    index('jobs_dead').on(t.deadAt),
    uniqueIndex('jobs_unique_key').on(t.uniqueKey),
  ],
)
