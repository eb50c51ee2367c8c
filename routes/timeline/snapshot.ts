import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { type AnyColumn, and, desc, eq, gte, lt, type SQL, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import { DELIVERY } from './delivery.ts'
import { TOP } from './merge-by-author.ts'

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
/** `late` are undelivered tweets by the reader and by followees. */
type Source = 'entry' | 'late' | 'merged' | 'state'
type Range = { readerId: number; below: number; limit: number }

export function createSnapshot(app: FastifyInstance) {
  const { follows, timelineEntries: entries, timelineStates: states, tweets } = app.tables
  const readerId = app.placeholder('readerId')
  const below = app.placeholder('below')
  const limit = app.placeholder('limit')
  const top = sql.raw(`${TOP}`)
  const materialised = sql.raw(`${DELIVERY.materialised}`)
  const floor = sql`(SELECT IF(delivery = ${materialised}, floor_id, ${top}) FROM ${states} WHERE reader_id = ${readerId})`
  const unseen = sql`GREATEST(0, TIMESTAMPDIFF(HOUR, seen_at, NOW(3)))`

  const whole = (value: SQL) => sql<number>`CAST(${value} AS SIGNED)`.mapWith(Number)
  const columns = (source: Source, id: AnyColumn | SQL, unseenHours = sql`0`) => ({
    source: sql<Source>`${sql.raw(`'${source}'`)}`,
    id: whole(sql`${id}`),
    unseenHours: whole(unseenHours),
  })

  const isLate = and(eq(tweets.undelivered, sql`1`), lt(tweets.id, below))
  // The server's statistics lag behind a column that changes with every tweet.
  const late = (db: Db | Tx) =>
    db.select(columns('late', tweets.id)).from(tweets, { forceIndex: 'tweets_undelivered' })

  /**
   * Everything in one statement, so that it is consistent while jobs move tweets and followees from one
   * source to another. Late tweets are joined from the smaller side, the followees or the tweets.
   */
  const readSources = app.prepareQuery((db) =>
    unionAll(
      db
        .select(columns('entry', entries.tweetId))
        .from(entries)
        .where(
          and(
            eq(entries.readerId, readerId),
            lt(entries.tweetId, below),
            gte(entries.tweetId, sql`COALESCE(${floor}, ${top})`),
          ),
        )
        .orderBy(desc(entries.tweetId))
        .limit(limit),
      late(db)
        .innerJoin(
          follows,
          and(eq(follows.followeeId, tweets.authorId), eq(follows.followerId, readerId)),
        )
        .where(isLate)
        .orderBy(desc(tweets.id))
        .limit(limit),
      late(db)
        .where(and(isLate, eq(tweets.authorId, readerId)))
        .orderBy(desc(tweets.id))
        .limit(limit),
      db
        .select(columns('merged', follows.followeeId))
        .from(follows)
        .where(and(eq(follows.followerId, readerId), lt(follows.delivery, materialised))),
      db
        .select(columns('state', floor, unseen))
        .from(states)
        .where(eq(states.readerId, readerId)),
    ),
  )

  /** Reads at most `limit` tweets below an id. */
  return async function read(range: Range): Promise<Snapshot> {
    await app.cache.sync()
    const bySource = Map.groupBy(await readSources(range), ({ source }) => source)
    const idsFrom = (source: Source) => bySource.get(source)?.map(({ id }) => id) ?? []
    const state = bySource.get('state')?.[0]
    const floorId = state?.id ?? TOP
    // Late tweets below the floor are left to the merge, which reads all tweets there.
    const late = idsFrom('late').filter((id) => id >= floorId)
    const found = [...new Set([...idsFrom('entry'), ...late])]
    const ids = found.sort((a, b) => b - a).slice(0, range.limit)
    return {
      ids,
      from: ids[range.limit - 1] ?? floorId,
      mergedAuthors: await withoutMuted(idsFrom('merged'), range.readerId),
      unseenHours: state?.unseenHours,
    }
  }

  async function withoutMuted(authors: number[], reader: number) {
    if (authors.length === 0) return authors
    const relationships = await app.graph.relationships.get(reader, authors)
    return authors.filter((id) => !relationships.get(id)?.mutes)
  }
}
