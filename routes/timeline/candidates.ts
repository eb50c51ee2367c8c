import {
  and,
  desc,
  eq,
  gt,
  gte,
  isNotNull,
  lt,
  or,
  type Placeholder,
  type SQL,
  sql,
} from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import type { FastifyInstance } from 'fastify'
import { DELIVERY } from '../../db/schema/columns.ts'
import { TOP } from './newest.ts'
import { SIZES } from './sizes.ts'

export type Snapshot = {
  /**
   * Tweets of the reader and of those whose tweets are materialised, newest first. Whether they may
   * be shown is another question.
   */
  ids: number[]
  /** The id down to which `ids` is complete. */
  from: number
  /** Followees whose tweets are to be merged in. */
  mergedAuthors: number[]
  /** The newest tweet of all. */
  lastId: number
  /** Hours since the reader was last seen, or undefined for a new reader. */
  unseenHours: number | undefined
}
type Range = { readerId: number; below: number; above: number; limit: number }

/** What a row of the statement is. */
const KIND = { tweet: 0, author: 1, reader: 2, last: 3 }

/** One type for all parts of the union: a mixture would come as text. */
const whole = (value: unknown) => sql`CAST(${value} AS UNSIGNED)`.mapWith(Number)
const constant = (value: number) => whole(sql.raw(String(value)))
const top = sql.raw(String(TOP))

/** What asks for a value puts it into SQL and nowhere else, where a placeholder does as well. */
export const placeholder = (name: string) => sql.placeholder(name) as Placeholder & number

/**
 * One statement, and so one moment, tells what is materialised for a reader and what is not:
 * a tweet that a job moves from one to the other meanwhile is never missed.
 */
export function createCandidates(app: FastifyInstance, sizes = SIZES) {
  const { follows, timelineEntries: entries, timelineStates: states, tweets } = app.tables
  const db = app.prepared
  const readerId = placeholder('readerId')
  const below = placeholder('below')
  const above = placeholder('above')
  const limit = sql.placeholder('limit')

  const row = (kind: number, id: SQL | typeof tweets.id, more: SQL = sql`NULL`) => ({
    kind: constant(kind),
    id: whole(id),
    more: whole(more) as SQL<number | null>,
  })

  const materialised = sql.raw(String(DELIVERY.materialised))
  const complete = sql`(SELECT IF(delivery = ${materialised}, floor_id, ${top}) FROM ${states} WHERE reader_id = ${readerId})`
  const skipped = sql.raw(String(sizes.backlog))
  const backlog = sql`(SELECT late.id + 1 FROM ${tweets} AS late WHERE late.undelivered = 1 ORDER BY late.id DESC LIMIT 1 OFFSET ${skipped})`
  const floor = whole(sql`GREATEST(COALESCE(${complete}, ${top}), COALESCE(${backlog}, 0))`)
  const unseen = sql`(SELECT GREATEST(0, TIMESTAMPDIFF(HOUR, seen_at, NOW(3))) FROM ${states} WHERE reader_id = ${readerId})`

  const inEntries = () =>
    db
      .select(row(KIND.tweet, sql`${entries.tweetId}`))
      .from(entries)
      .where(
        and(
          eq(entries.readerId, readerId),
          lt(entries.tweetId, below),
          gt(entries.tweetId, above),
          gte(entries.tweetId, floor),
        ),
      )
      .orderBy(desc(entries.tweetId))
      .limit(limit)

  /** The newest of all: a backlog of strangers' tweets must not be walked for each reader. */
  const undelivered = () => {
    const late = db
      .select({ id: tweets.id, authorId: tweets.authorId })
      .from(tweets)
      .where(eq(tweets.undelivered, sql`1`))
      .orderBy(desc(tweets.id))
      .limit(sizes.backlog)
      .as('late')
    return db
      .select(row(KIND.tweet, sql`${late.id}`))
      .from(late)
      .leftJoin(
        follows,
        and(eq(follows.followerId, readerId), eq(follows.followeeId, late.authorId)),
      )
      .where(
        and(
          lt(late.id, below),
          gt(late.id, above),
          or(eq(late.authorId, readerId), isNotNull(follows.id)),
        ),
      )
      .orderBy(desc(late.id))
      .limit(limit)
  }

  const merged = () =>
    db
      .select(row(KIND.author, sql`${follows.followeeId}`))
      .from(follows)
      .where(
        and(
          eq(follows.followerId, readerId),
          lt(follows.delivery, materialised),
          app.graph.notMuted(readerId, follows.followeeId),
        ),
      )

  const reader = () => db.select(row(KIND.reader, floor, unseen)).from(sql`(SELECT 1) AS reader`)

  const last = () => db.select(row(KIND.last, sql`COALESCE(MAX(${tweets.id}), 0)`)).from(tweets)

  const statement = unionAll(inEntries(), undelivered(), merged(), reader(), last()).prepare()

  /** What there is within `above < id < below`, at most `limit` tweets. */
  return async function read(range: Range): Promise<Snapshot> {
    const rows = await statement.execute(range)
    const of = (kind: number) => rows.filter((one) => one.kind === kind)
    const [self] = of(KIND.reader)
    const floorId = Math.max(self?.id ?? TOP, range.above + 1)
    // Of what is undelivered below the floor, only the merge knows the neighbours.
    const found = of(KIND.tweet).filter(({ id }) => id >= floorId)
    const ids = [...new Set(found.map(({ id }) => id))].sort((a, b) => b - a).slice(0, range.limit)
    return {
      ids,
      from: ids[range.limit - 1] ?? floorId,
      mergedAuthors: of(KIND.author).map(({ id }) => id),
      lastId: of(KIND.last)[0]?.id ?? 0,
      unseenHours: self?.more ?? undefined,
    }
  }
}
