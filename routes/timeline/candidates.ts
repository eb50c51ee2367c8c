import {
  type AnyColumn,
  and,
  eq,
  gt,
  gte,
  lt,
  or,
  type Placeholder,
  type SQL,
  sql,
} from 'drizzle-orm'
import { alias, unionAll } from 'drizzle-orm/mysql-core'
import type { FastifyInstance } from 'fastify'
import { DELIVERY } from '../../db/schema/columns.ts'
import { TOP } from './newest.ts'
import { SIZES } from './sizes.ts'

export const LIST = 'timeline'
/** In the place of a tweet's position: what is no tweet. */
const KIND = { author: 0, state: TOP, last: TOP - 1 }

/** One type for all parts of the union: a mixture would come as text. */
const whole = (value: unknown) => sql`CAST(${value} AS UNSIGNED)`.mapWith(Number)
const constant = (value: number) => whole(sql.raw(String(value)))
const top = sql.raw(String(TOP))
const materialisedState = sql.raw(String(DELIVERY.materialised))

export type Row = { id: number; originalId: number | null }
export type Snapshot = {
  /** Tweets of the reader and of those whose tweets are materialised. */
  rows: Row[]
  /** The id down to which `rows` is complete, as far as the limit goes. */
  from: number
  /** Followees whose tweets are to be merged in. */
  mergedAuthors: number[]
  /** The newest tweet of all. */
  lastId: number
  /** Hours since the reader was last seen, or undefined for a new reader. */
  unseenHours: number | undefined
}

/**
 * One statement, and so one moment, tells what is materialised for a reader and what is not:
 * a tweet that a job moves from one to the other meanwhile is never missed.
 */
export function createCandidates(app: FastifyInstance, sizes = SIZES) {
  const { follows, timelineEntries: entries, timelineStates: states, tweets } = app.tables
  const { queries } = app.tweets
  const fresh = alias(tweets, 'fresh')
  const readerId = placeholder('readerId')
  const below = placeholder('below')
  const above = placeholder('above')
  const limit = sql.placeholder('limit')

  const deliveryOf = (authorId: AnyColumn) =>
    sql`(SELECT delivery FROM ${follows} WHERE follower_id = ${readerId} AND followee_id = ${authorId})`

  const complete = sql`(SELECT IF(delivery = ${materialisedState}, floor_id, ${top}) FROM ${states} WHERE reader_id = ${readerId})`
  const backlog = sql`(SELECT late.id + 1 FROM ${tweets} AS late WHERE late.undelivered = 1 AND late.id < ${below} ORDER BY late.id DESC LIMIT 1 OFFSET ${sql.raw(String(sizes.backlog))})`
  const floor = whole(sql`GREATEST(COALESCE(${complete}, ${top}), COALESCE(${backlog}, 0))`)

  const unseen = sql`(SELECT GREATEST(0, TIMESTAMPDIFF(HOUR, seen_at, NOW(3))) FROM ${states} WHERE reader_id = ${readerId})`

  const materialised = () =>
    queries.visibleThrough(
      { table: entries, tweetId: entries.tweetId, position: entries.tweetId },
      {
        viewerId: readerId,
        list: LIST,
        limit,
        db: app.prepared,
        where: and(
          eq(entries.readerId, readerId),
          lt(entries.tweetId, below),
          gt(entries.tweetId, above),
          gte(entries.tweetId, floor),
          or(
            eq(tweets.authorId, readerId),
            sql`${deliveryOf(tweets.authorId)} = ${materialisedState}`,
          ),
          queries.notMuted(readerId),
        ),
      },
    )

  const undelivered = () =>
    queries.visibleThrough(
      { table: fresh, tweetId: fresh.id, position: fresh.id },
      {
        viewerId: readerId,
        list: LIST,
        limit,
        db: app.prepared,
        where: and(
          eq(fresh.undelivered, 1),
          lt(fresh.id, below),
          gt(fresh.id, above),
          gte(fresh.id, floor),
          or(eq(fresh.authorId, readerId), sql`${deliveryOf(fresh.authorId)} IS NOT NULL`),
          queries.notMuted(readerId),
        ),
      },
    )

  const merged = () =>
    app.prepared
      .select({
        id: follows.followeeId,
        originalId: sql<number | null>`CAST(NULL AS UNSIGNED)`,
        position: constant(KIND.author),
      })
      .from(follows)
      .where(
        and(
          eq(follows.followerId, readerId),
          lt(follows.delivery, DELIVERY.materialised),
          app.graph.notMuted(readerId, follows.followeeId),
        ),
      )

  const state = () =>
    app.prepared
      .select({
        id: floor,
        // NULL for a new reader.
        originalId: whole(unseen) as SQL<number | null>,
        position: constant(KIND.state),
      })
      .from(sql`(SELECT 1) AS state`)

  const last = () =>
    app.prepared
      .select({
        id: sql`COALESCE(MAX(${tweets.id}), 0)`.mapWith(Number),
        originalId: sql<number | null>`CAST(NULL AS UNSIGNED)`,
        position: constant(KIND.last),
      })
      .from(tweets)

  const prepare = () => unionAll(materialised(), undelivered(), merged(), state(), last()).prepare()
  let statement: ReturnType<typeof prepare> | undefined

  /** Visible tweets within `above < id < below`, newest first. */
  return async function read(range: {
    readerId: number
    below: number
    above: number
    limit: number
  }): Promise<Snapshot> {
    // Made late: every feature has added its filters by then.
    statement ??= prepare()
    const found = new Map<number, Row>()
    const mergedAuthors: number[] = []
    let from = TOP
    let lastId = 0
    let unseenHours: number | undefined
    for (const { id, originalId, position } of await statement.execute(range)) {
      if (position === KIND.author) mergedAuthors.push(id)
      else if (position === KIND.last) lastId = id
      else if (position === KIND.state) {
        from = Math.max(id, range.above + 1)
        unseenHours = originalId ?? undefined
      } else found.set(id, { id, originalId })
    }
    const rows = [...found.values()].sort((a, b) => b.id - a.id).slice(0, range.limit)
    return { rows, from: rows[range.limit - 1]?.id ?? from, mergedAuthors, lastId, unseenHours }
  }
}

/** What asks for a value puts it into SQL and nowhere else, where a placeholder does as well. */
export const placeholder = (name: string) => sql.placeholder(name) as Placeholder & number
