import {
  type AnyColumn,
  and,
  desc,
  eq,
  exists,
  gt,
  inArray,
  lte,
  or,
  type SQL,
  sql,
} from 'drizzle-orm'
import { alias, unionAll } from 'drizzle-orm/mysql-core'
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
    const written = or(eq(tweets.authorId, readerId), inArray(tweets.authorId, followees))
    return shownTo(readerId, and(written, queries.before(below), gt(tweets.id, floor)), limit)
  }

  /** What of these tweets a timeline may show. */
  function shownTo(readerId: number, which: SQL | undefined, limit = 1) {
    const where = and(which, queries.notDeleted, queries.notMuted(readerId))
    return queries.visible({ viewerId: readerId, list: LIST, where, limit })
  }

  /**
   * Which of these tweets are in the timeline of which of these people, by the rules of `page`, with
   * one query for all of them.
   */
  async function readersOf(tweetIds: number[], readerIds: number[]) {
    if (tweetIds.length === 0 || readerIds.length === 0) return []
    // Thousands of parameters would take longer than the query.
    const readers = sql.raw(readerIds.map(Number).join())
    const tweet = alias(tweets, 'tweet')
    const follow = alias(follows, 'follow')
    const shown = (readerId: AnyColumn) =>
      // What asks for a reader puts it into SQL and nowhere else, where a column does as well.
      exists(shownTo(readerId as unknown as number, eq(tweets.id, tweet.id)))
    const among = (readerId: AnyColumn) =>
      and(inArray(tweet.id, tweetIds), sql`${readerId} IN (${readers})`, shown(readerId))
    const authors = app.db
      .select({ tweetId: tweet.id, readerId: tweet.authorId })
      .from(tweet)
      .where(among(tweet.authorId))
    const followers = app.db
      .select({ tweetId: tweet.id, readerId: follow.followerId })
      .from(tweet)
      .innerJoin(follow, eq(follow.followeeId, tweet.authorId))
      .where(among(follow.followerId))
    return unionAll(authors, followers)
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

  return { page, readersOf }
}

export default fp(
  async (app) => {
    app.decorate('timeline', createTimeline(app))
  },
  { name: 'timeline.service', dependencies: ['tweets.service', 'graph.service'] },
)
