import type { FastifyInstance } from 'birdhouse'
import { and, desc, eq, gte, lt, type SQL, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import { DELIVERY } from '../delivery.ts'
import { SIZES } from '../sizes.ts'
import { TOP } from './merge-by-author.ts'

export type Sources = {
  /** Tweets by the reader and by materialised followees, newest first, visible or not. */
  ids: number[]
  /** The id down to which `ids` is complete. */
  from: number
  /** The newest tweet of all. */
  newestId: number
  /** Followees who are not muted, the merged ones first; incomplete if `hasMore`. */
  followees: { id: number; merged: boolean }[]
  hasMore: boolean
  /** Hours since the reader was last seen, or undefined for a new reader. */
  unseenHours: number | undefined
}
type Range = { readerId: number; below: number; limit: number }

/** What a row of the statement is; the state of the reader has the hours since the last visit, from 0. */
const KIND = { entry: -1, merged: -2, followed: -3, undelivered: -4, backlog: -5, newest: -6 }

/** Reads what a page is made of in one statement, so that all parts are of one moment. */
export function createReadSources(app: FastifyInstance, sizes = SIZES) {
  const { follows, mutes, timelineEntries: entries, timelineStates: states, tweets } = app.tables
  const { maxUndelivered, maxFollowees } = sizes
  const readerId = app.placeholder('readerId')
  const constant = (value: number) => sql.raw(String(value))
  const whole = (value: SQL | number) =>
    sql<number>`CAST(${typeof value === 'number' ? constant(value) : value} AS SIGNED)`.mapWith(
      Number,
    )

  const floor = sql`(SELECT IF(delivery = ${constant(DELIVERY.materialised)}, floor_id, ${constant(TOP)}) FROM ${states} WHERE reader_id = ${readerId})`
  const unseen = sql`GREATEST(0, TIMESTAMPDIFF(HOUR, seen_at, NOW(3)))`
  const undelivered = sql`FROM ${tweets} WHERE undelivered = 1 ORDER BY id DESC`
  // A join: MariaDB 10.11 fails to execute a prepared EXISTS on a derived table a second time.
  const late = sql`(SELECT id, author_id ${undelivered} LIMIT ${constant(maxUndelivered)}) AS late
    LEFT JOIN ${follows} ON follower_id = ${readerId} AND followee_id = late.author_id`
  const muted = sql`EXISTS (SELECT 1 FROM ${mutes} WHERE muter_id = ${readerId} AND muted_id = followee_id)`
  const delivery = sql`IF(delivery < ${constant(DELIVERY.materialised)}, ${constant(KIND.merged)}, ${constant(KIND.followed)})`

  const read = app.prepareQuery((db) => {
    const rows = (id: SQL, kind: SQL | number) => db.select({ id: whole(id), kind: whole(kind) })
    return unionAll(
      rows(sql`${entries.tweetId}`, KIND.entry)
        .from(entries)
        .where(
          and(
            eq(entries.readerId, readerId),
            lt(entries.tweetId, app.placeholder('below')),
            gte(entries.tweetId, sql`COALESCE(${floor}, ${constant(TOP)})`),
          ),
        )
        .orderBy(desc(entries.tweetId))
        .limit(app.placeholder('limit')),
      rows(floor, unseen).from(states).where(eq(states.readerId, readerId)),
      rows(sql`${follows.followeeId}`, delivery)
        .from(follows)
        .where(and(eq(follows.followerId, readerId), sql`NOT ${muted}`))
        .orderBy(follows.delivery, follows.followeeId)
        // One extra row shows that there are more.
        .limit(maxFollowees + 1),
      rows(sql`late.id`, KIND.undelivered)
        .from(late)
        .where(sql`late.author_id = ${readerId} OR follower_id IS NOT NULL`),
      rows(sql`oldest.id`, KIND.backlog).from(
        sql`(SELECT id ${undelivered} LIMIT 1 OFFSET ${constant(maxUndelivered)}) AS oldest`,
      ),
      rows(sql`COALESCE(MAX(id), 0)`, KIND.newest).from(tweets),
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
    const followees = rows
      .filter(({ kind }) => kind === KIND.merged || kind === KIND.followed)
      .map(({ id, kind }) => ({ id, merged: kind === KIND.merged }))
    return {
      ids,
      from: ids[range.limit - 1] ?? floorId,
      newestId: idsOf(KIND.newest)[0] ?? 0,
      followees: followees.slice(0, maxFollowees),
      hasMore: followees.length > maxFollowees,
      unseenHours: state?.kind,
    }
  }
}
