import { and, desc, eq, gt, inArray, lte, or, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { decodeCursor, encodeCursor, type PageRequest } from '../../plugins/pagination.ts'

declare module 'fastify' {
  interface FastifyInstance {
    timeline: ReturnType<typeof createTimeline>
  }
}

/**
 * Seconds by which `since` looks further back: ids are given out at INSERT but seen from COMMIT
 * on, so a row may show up below one that was read before. No transaction lasts this long.
 */
const LATE = 60
const LIST = 'timeline'
/** Rows read at once at least, for repeats of one original take rows but no place. */
const CHUNK = 100

type TimelineRequest = PageRequest & { since?: string | undefined }
type Row = { id: number; originalId: number | null }

function createTimeline(app: FastifyInstance) {
  const { follows, tweets } = app.tables
  const { queries } = app.tweets

  /**
   * The home timeline: what the reader and those they follow wrote, by id descending, walking down
   * from the cursor until the page is full or the rows end; an original that is on the page already
   * is not shown again. The next cursor is the last row walked. @throws InvalidCursor
   */
  async function page(readerId: number, { cursor, since, limit }: TimelineRequest) {
    const start = decodeCursor(LIST, cursor)
    const sinceId = decodeCursor(LIST, since)
    const floor = await floorOf(sinceId)
    const chunk = Math.max(limit, CHUNK)
    const shown = new Map<number, Row>()
    let last: Row | undefined
    let more = true
    while (more && shown.size < limit) {
      // One row beyond what can be shown tells whether the rows end here.
      const rows = await readRows(readerId, last?.id ?? start, floor, chunk + 1)
      let walked = 0
      for (const row of rows.slice(0, chunk)) {
        if (shown.size === limit) break
        const key = row.originalId ?? row.id
        if (!shown.has(key)) shown.set(key, row)
        last = row
        walked++
      }
      more = rows.length > walked
    }
    const items = await queries.hydrate([...shown.values()], readerId)
    return {
      items,
      nextCursor: more && last ? encodeCursor(LIST, last.id) : null,
      sinceCursor: encodeCursor(LIST, [...shown.values()][0]?.id ?? start ?? sinceId ?? 0),
    }
  }

  function readRows(readerId: number, below: number | undefined, floor: number, limit: number) {
    const followees = app.db
      .select({ id: follows.followeeId })
      .from(follows)
      .where(eq(follows.followerId, readerId))
    const where = and(
      or(eq(tweets.authorId, readerId), inArray(tweets.authorId, followees)),
      queries.notDeleted,
      queries.notMuted(readerId),
      queries.before(below),
      gt(tweets.id, floor),
    )
    return queries.visible({ viewerId: readerId, list: LIST, where, limit })
  }

  /** The id above which rows count as later than `since`, late commits included. */
  async function floorOf(since: number | undefined) {
    if (!since) return 0
    const upTo = lte(tweets.id, since)
    const newest = app.db
      .select({ at: tweets.createdAt })
      .from(tweets)
      .where(upTo)
      .orderBy(desc(tweets.id))
      .limit(1)
    const settled = sql`${tweets.createdAt} < (${newest}) - INTERVAL ${LATE} SECOND`
    const [row] = await app.db
      .select({ id: tweets.id })
      .from(tweets)
      .where(and(upTo, settled))
      .orderBy(desc(tweets.id))
      .limit(1)
    return row?.id ?? 0
  }

  return { page }
}

export default fp(
  async (app) => {
    app.decorate('timeline', createTimeline(app))
  },
  { name: 'timeline.service', dependencies: ['tweets.service', 'graph.service'] },
)
