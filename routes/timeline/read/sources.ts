import type { FastifyInstance } from 'birdhouse'
import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import { DELIVERY } from '../delivery.ts'
import { TOP } from './merge-by-author.ts'

export type Sources = {
  /** Tweets by the reader and by materialised followees, newest first, visible or not. */
  ids: number[]
  /** The id down to which `ids` is complete. */
  from: number
  /** True when the reader blocks and mutes nobody and nobody blocks the reader. */
  isAlone: boolean
  /** Followees whose tweets are to be merged in. */
  mergedIds: number[]
  /** Hours since the reader was last seen, or undefined for a new reader. */
  unseenHours: number | undefined
}
type Range = { readerId: number; below: number; limit: number }

/** What a row of the statement is; the state of the reader has the hours since the last visit, from 0. */
const KIND = { entry: -1, merged: -2, undelivered: -3, related: -4 }

/** Reads what a page is made of in one statement, so that all parts are of one moment. */
export function createReadSources(app: FastifyInstance) {
  const {
    blocks,
    follows,
    mutes,
    timelineEntries: entries,
    timelineStates: states,
    tweets,
  } = app.tables
  const readerId = app.placeholder('readerId')
  const constant = (value: number) => sql.raw(String(value))
  const whole = (value: SQL | number) =>
    sql<number>`CAST(${typeof value === 'number' ? constant(value) : value} AS SIGNED)`.mapWith(
      Number,
    )

  const floor = sql`IF(delivery = ${constant(DELIVERY.materialised)}, floor_id, ${constant(TOP)})`
  const unseen = sql`GREATEST(0, TIMESTAMPDIFF(HOUR, seen_at, NOW(3)))`
  const related = sql`EXISTS (SELECT 1 FROM ${blocks} WHERE blocker_id = ${readerId})
    OR EXISTS (SELECT 1 FROM ${blocks} WHERE blocked_id = ${readerId}) OR EXISTS (SELECT 1 FROM ${mutes} WHERE muter_id = ${readerId})`

  const read = app.prepareQuery((db) => {
    const rows = (id: SQL, kind: SQL | number) => db.select({ id: whole(id), kind: whole(kind) })
    const isLate = and(eq(tweets.undelivered, sql`1`), lt(tweets.id, app.placeholder('below')))
    // The server's statistics lag behind a column that changes with every tweet.
    const readLate = () =>
      rows(sql`${tweets.id}`, KIND.undelivered).from(tweets, { forceIndex: 'tweets_undelivered' })
    // Joined from the smaller side, the followees or the undelivered tweets.
    const [late, ownLate] = [readLate(), readLate()]
    return unionAll(
      rows(sql`${entries.tweetId}`, KIND.entry)
        .from(entries)
        .where(and(eq(entries.readerId, readerId), lt(entries.tweetId, app.placeholder('below'))))
        .orderBy(desc(entries.tweetId))
        .limit(app.placeholder('limit')),
      rows(floor, unseen).from(states).where(eq(states.readerId, readerId)),
      rows(sql`${follows.followeeId}`, KIND.merged)
        .from(follows)
        .where(
          and(
            eq(follows.followerId, readerId),
            sql`${follows.delivery} < ${constant(DELIVERY.materialised)}`,
          ),
        ),
      rows(related, KIND.related).from(sql`(SELECT 1) AS one`),
      late
        .innerJoin(
          follows,
          and(eq(follows.followeeId, tweets.authorId), eq(follows.followerId, readerId)),
        )
        .where(isLate)
        .orderBy(desc(tweets.id))
        .limit(app.placeholder('limit')),
      ownLate
        .where(and(isLate, eq(tweets.authorId, readerId)))
        .orderBy(desc(tweets.id))
        .limit(app.placeholder('limit')),
    )
  })

  return async function readSources(range: Range): Promise<Sources> {
    const rows = await read(range)
    const idsOf = (kind: number) => rows.filter((row) => row.kind === kind).map(({ id }) => id)
    const state = rows.find(({ kind }) => kind >= 0)
    // Undelivered tweets below the floor are left to the merge, which reads all tweets there.
    const floorId = state?.id ?? TOP
    const found = new Set([...idsOf(KIND.entry), ...idsOf(KIND.undelivered)])
    const ids = [...found]
      .filter((id) => id >= floorId && id < range.below)
      .sort((a, b) => b - a)
      .slice(0, range.limit)
    return {
      ids,
      from: ids[range.limit - 1] ?? floorId,
      isAlone: idsOf(KIND.related)[0] === 0,
      mergedIds: idsOf(KIND.merged),
      unseenHours: state?.kind,
    }
  }
}
