import type { FastifyInstance } from 'birdhouse'
import { and, desc, eq, gte, inArray, lt, type SQL, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import { DELIVERY } from './delivery.ts'
import { TOP } from './merge-by-author.ts'
import { SIZES } from './sizes.ts'

export type Snapshot = {
  /** Tweets by the reader and by materialised followees, newest first, visible or not. */
  ids: number[]
  /** The id down to which `ids` is complete. */
  from: number
  /** Followees whose tweets are to be merged in. */
  mergedAuthors: number[]
  /** Hours since the reader was last seen, or undefined for a new reader. */
  unseenHours: number | undefined
}
type Range = { readerId: number; below: number; limit: number }

/** Readers whose merged followees are cached; some 100 bytes each. */
const READERS = 10_000

export function createSnapshot(app: FastifyInstance, sizes = SIZES) {
  const { follows, timelineEntries: entries, timelineStates: states, tweets } = app.tables
  const readerId = app.placeholder('readerId')

  const readUndelivered = app.prepareQuery((db) =>
    db
      .select({ id: tweets.id, authorId: tweets.authorId })
      .from(tweets)
      .where(eq(tweets.undelivered, sql`1`))
      .orderBy(desc(tweets.id))
      // One extra row shows that the backlog is longer.
      .limit(sizes.maxUndelivered + 1),
  )
  const undelivered = app.cache.singleFlight(() => readUndelivered())

  const readMerged = app.prepareForIds((ids, db) =>
    db
      .select({ readerId: follows.followerId, authorId: follows.followeeId })
      .from(follows)
      .where(
        and(
          inArray(follows.followerId, ids),
          lt(follows.delivery, sql.raw(`${DELIVERY.materialised}`)),
        ),
      ),
  )
  const merged = app.cache.byId<number[]>('relations', {
    max: READERS,
    load: async (readers, db) => {
      const byReader = Map.groupBy(await readMerged(readers, {}, db), (row) => row.readerId)
      return new Map([...byReader].map(([id, rows]) => [id, rows.map((row) => row.authorId)]))
    },
  })

  const floor = sql`(SELECT IF(delivery = ${sql.raw(`${DELIVERY.materialised}`)}, floor_id, ${sql.raw(`${TOP}`)}) FROM ${states} WHERE reader_id = ${readerId})`
  const unseen = sql`GREATEST(0, TIMESTAMPDIFF(HOUR, seen_at, NOW(3)))`
  const whole = (value: SQL) => sql<number>`CAST(${value} AS SIGNED)`.mapWith(Number)

  /** Entries, floor and last visit in one statement, so that they are consistent. */
  const readEntries = app.prepareQuery((db) =>
    unionAll(
      db
        .select({ id: whole(sql`${entries.tweetId}`), unseenHours: whole(sql`-1`) })
        .from(entries)
        .where(
          and(
            eq(entries.readerId, readerId),
            lt(entries.tweetId, app.placeholder('below')),
            gte(entries.tweetId, sql`COALESCE(${floor}, ${sql.raw(`${TOP}`)})`),
          ),
        )
        .orderBy(desc(entries.tweetId))
        .limit(app.placeholder('limit')),
      db
        .select({ id: whole(floor), unseenHours: whole(unseen) })
        .from(states)
        .where(eq(states.readerId, readerId)),
    ),
  )

  /**
   * Reads at most `limit` tweets below an id. Jobs move a tweet from undelivered to entries, and a
   * followee from merged to materialised; reading in the same order misses neither.
   */
  return async function read(range: Range): Promise<Snapshot> {
    const late = await undelivered()
    await app.cache.sync()
    const mergedAuthors = await mergedFor(range.readerId)
    const rows = await readEntries(range)
    const state = rows.find(({ unseenHours }) => unseenHours >= 0)
    const backlog = (late[sizes.maxUndelivered]?.id ?? -1) + 1
    // Undelivered tweets below the floor are left to the merge, which reads all tweets there.
    const floorId = Math.max(state?.id ?? TOP, backlog)
    const found = new Set<number>()
    for (const row of rows) if (row !== state && row.id >= floorId) found.add(row.id)
    for (const id of await ownLate(late, floorId, range)) found.add(id)
    const ids = [...found].sort((a, b) => b - a).slice(0, range.limit)
    return {
      ids,
      from: ids[range.limit - 1] ?? floorId,
      mergedAuthors,
      unseenHours: state?.unseenHours,
    }
  }

  async function mergedFor(reader: number) {
    const authors = (await merged.get([reader])).get(reader) ?? []
    if (authors.length === 0) return authors
    const relationships = await app.graph.relationships.get(reader, authors)
    return authors.filter((id) => !relationships.get(id)?.mutes)
  }

  async function ownLate(
    late: { id: number; authorId: number }[],
    floorId: number,
    { readerId, below }: Range,
  ) {
    const inRange = late.filter(({ id }) => id < below && id >= floorId)
    if (inRange.length === 0) return []
    const authors = inRange.map(({ authorId }) => authorId)
    const relationships = await app.graph.relationships.get(readerId, authors)
    return inRange
      .filter(({ authorId }) => authorId === readerId || relationships.get(authorId)?.follows)
      .map(({ id }) => id)
  }
}
