import type { FastifyInstance } from 'birdhouse'
import { and, eq, gt, isNull, type SQL, sql } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'

/** Milliseconds for which figures are used, at least. */
const LIFE = 60_000
/** Figures are used for this many times as long as counting them took, so that counting costs 0.1 % of the time. */
const REST = 1_000

type Figures = { people: number; posts: number; active: number }

/** The numbers of people, posts and people who were here in the last 30 days; never counted for each request. */
export function createFigures(app: FastifyInstance) {
  const { sessions, userCounts, userCountDeltas, users } = app.tables

  const number = (query: SQL) => sql<number>`(${query})`.mapWith(Number)
  const shown = sql`${users} WHERE ${isNull(users.hiddenAt)}`
  const postsIn = (table: typeof userCounts | typeof userCountDeltas) =>
    sql`SELECT COALESCE(SUM(${table.tweets}), 0) FROM ${table} JOIN ${users} ON ${and(eq(users.id, table.userId), isNull(users.hiddenAt))}`
  const recent = gt(sessions.lastUsedAt, sql`NOW(3) - INTERVAL 30 DAY`)

  async function count(): Promise<Figures> {
    const [row] = await app.db
      .select({
        people: number(sql`SELECT COUNT(*) FROM ${shown}`),
        posts: number(sql`(${postsIn(userCounts)}) + (${postsIn(userCountDeltas)})`),
        active: number(
          sql`SELECT COUNT(DISTINCT ${sessions.userId}) FROM ${sessions} WHERE ${recent}`,
        ),
      })
      .from(sql`(SELECT 1) AS one`)
    return row ?? { people: 0, posts: 0, active: 0 }
  }

  const cache = new LRUCache<'all', Figures>({
    max: 1,
    ttl: LIFE,
    // Nobody waits for newer figures.
    allowStale: true,
    allowStaleOnFetchRejection: true,
    fetchMethod: async (_key, _before, { options }) => {
      const begun = performance.now()
      const figures = await count()
      options.ttl = Math.max(LIFE, (performance.now() - begun) * REST)
      return figures
    },
  })

  return () => cache.forceFetch('all')
}
