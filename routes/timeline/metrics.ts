import type { FastifyInstance } from 'birdhouse'
import { sql } from 'drizzle-orm'

/** Fan-out takes milliseconds; pages add undelivered tweets themselves, and slow down with their number. */
export function measureFanOut({ db, metrics, tables: { tweets } }: FastifyInstance) {
  metrics.gauge('birdhouse_timeline_fan_out_lag_seconds', {
    help: 'Age of the oldest tweet that is not on all timelines yet. The same in each process.',
    read: async () => {
      const age = sql`TIMESTAMPDIFF(MICROSECOND, MIN(${tweets.createdAt}), NOW(3)) / 1e6`
      const [row] = await db
        .select({ lag: sql<string | null>`${age}` })
        .from(tweets)
        .where(sql`${tweets.undelivered} = 1`)
      return Math.max(0, Number(row?.lag ?? 0))
    },
  })
}
