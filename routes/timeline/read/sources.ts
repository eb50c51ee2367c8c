import type { FastifyInstance } from 'birdhouse'
import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import { DELIVERY } from '../delivery.ts'
import { SIZES } from '../sizes.ts'
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
const KIND = { entry: -1, merged: -2, undelivered: -3, backlog: -4, related: -5 }

/** Reads what a page is made of in one statement, so that all parts are of one moment. */
export function createReadSources(app: FastifyInstance, sizes = SIZES) {
  const {
    blocks,
    follows,
    mutes,
    timelineEntries: entries,
    timelineStates: states,
    tweets,
  } = app.tables
  const { maxUndelivered } = sizes
  const readerId = app.placeholder('readerId')
  const constant = (value: number) => sql.raw(String(value))
  const whole = (value: SQL | number) =>
    sql<number>`CAST(${typeof value === 'number' ? constant(value) : value} AS SIGNED)`.mapWith(
      Number,
    )

  const floor = sql`IF(delivery = ${constant(DELIVERY.materialised)}, floor_id, ${constant(TOP)})`
  const unseen = sql`GREATEST(0, TIMESTAMPDIFF(HOUR, seen_at, NOW(3)))`
  const undelivered = sql`FROM ${tweets} WHERE undelivered = 1 ORDER BY id DESC`
  // A join: MariaDB 10.11 fails to execute a prepared EXISTS on a derived table a second time.
  const late = sql`(SELECT id, author_id ${undelivered} LIMIT ${constant(maxUndelivered)}) AS late
    LEFT JOIN ${follows} ON follower_id = ${readerId} AND followee_id = late.author_id`
  const related = sql`EXISTS (SELECT 1 FROM ${blocks} WHERE blocker_id = ${readerId})
    OR EXISTS (SELECT 1 FROM ${blocks} WHERE blocked_id = ${readerId}) OR EXISTS (SELECT 1 FROM ${mutes} WHERE muter_id = ${readerId})`

  const read = app.prepareQuery((db) => {
    const rows = (id: SQL, kind: SQL | number) => db.select({ id: whole(id), kind: whole(kind) })
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
      rows(sql`late.id`, KIND.undelivered)
        .from(late)
        .where(sql`late.author_id = ${readerId} OR follower_id IS NOT NULL`),
      rows(sql`oldest.id`, KIND.backlog).from(
        sql`(SELECT id ${undelivered} LIMIT 1 OFFSET ${constant(maxUndelivered)}) AS oldest`,
      ),
    )
  })

  return async function readSources(range: Range): Promise<Sources> {
    const rows = await read(range)
    const idsOf = (kind: number) => rows.filter((row) => row.kind === kind).map(({ id }) => id)
    const state = rows.find(({ kind }) => kind >= 0)
    // Undelivered tweets below the floor are left to the merge, which reads all tweets there.
    const floorId = Math.max(state?.id ?? TOP, (idsOf(KIND.backlog)[0] ?? -1) + 1)
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
