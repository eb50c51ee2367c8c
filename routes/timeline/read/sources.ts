import type { FastifyInstance } from 'birdhouse'
import { and, desc, eq, isNull, lt, max, type SQL, sql } from 'drizzle-orm'
import { DELIVERY } from '../delivery.ts'
import { TOP } from './merge-by-author.ts'

export type Sources = {
  /** Tweets by the reader and by materialised followees, newest first, visible or not. */
  ids: number[]
  /** The id down to which `ids` is complete. */
  from: number
  /** The newest tweet of all. */
  newestId: number
  /** Followees whose tweets are to be merged in, without muted ones. */
  mergedIds: number[]
  /** True when the reader blocks or mutes somebody, or somebody blocks the reader. */
  hasRelations: boolean
  /** Hours since the reader was last seen, or undefined for a new reader. */
  unseenHours: number | undefined
}
type Range = { readerId: number; below: number; limit: number }
type Kind = 'entry' | 'late' | 'merged' | 'state' | 'newest' | 'relations'

/** Reads what a page is made of in one statement, so that all parts are of one moment. */
export function createReadSources(app: FastifyInstance) {
  const { blocks, follows, mutes, timelineEntries, timelineStates: states, tweets } = app.tables
  const readerId = app.placeholder('readerId')
  const below = app.placeholder('below')
  const limit = app.placeholder('limit')
  const constant = (value: number) => sql.raw(String(value))
  const count = (name: TemplateStringsArray) => sql<number>(name).mapWith(Number)

  const floor = sql`IF(delivery = ${constant(DELIVERY.materialised)}, floor_id, ${constant(TOP)})`
  const unseen = sql`GREATEST(0, TIMESTAMPDIFF(HOUR, seen_at, NOW(3)))`
  const hasRelations = sql`EXISTS (SELECT 1 FROM ${blocks} WHERE blocker_id = ${readerId})
    OR EXISTS (SELECT 1 FROM ${blocks} WHERE blocked_id = ${readerId}) OR EXISTS (SELECT 1 FROM ${mutes} WHERE muter_id = ${readerId})`
  const isLate = and(eq(tweets.undelivered, sql`1`), lt(tweets.id, below))

  const read = app.prepareQuery((db) => {
    const rows = (kind: Kind, value: SQL, unseenHours = sql`0`) =>
      db.select({
        kind: sql<Kind>`${sql.raw(`'${kind}'`)}`.as('kind'),
        value: sql`CAST(${value} AS SIGNED)`.as('value'),
        unseenHours: sql`CAST(${unseenHours} AS SIGNED)`.as('unseen_hours'),
      })
    // The server's statistics lag behind a column that changes with every tweet.
    const readLate = () =>
      rows('late', sql`${tweets.id}`).from(tweets, { forceIndex: 'tweets_undelivered' })
    const ofFollowees = and(
      eq(follows.followeeId, tweets.authorId),
      eq(follows.followerId, readerId),
    )
    const isMerged = sql`${follows.delivery} < ${constant(DELIVERY.materialised)}`
    const muted = and(eq(mutes.muterId, readerId), eq(mutes.mutedId, follows.followeeId))
    const parts = [
      rows('entry', sql`${timelineEntries.tweetId}`)
        .from(timelineEntries)
        .where(and(eq(timelineEntries.readerId, readerId), lt(timelineEntries.tweetId, below)))
        .orderBy(desc(timelineEntries.tweetId))
        .limit(limit),
      // Joined from the smaller side, the followees or the undelivered tweets.
      readLate()
        .innerJoin(follows, ofFollowees)
        .where(isLate)
        .orderBy(desc(tweets.id))
        .limit(limit),
      readLate()
        .where(and(isLate, eq(tweets.authorId, readerId)))
        .orderBy(desc(tweets.id))
        .limit(limit),
      rows('merged', sql`${follows.followeeId}`)
        .from(follows)
        .leftJoin(mutes, muted)
        .where(and(eq(follows.followerId, readerId), isMerged, isNull(mutes.id))),
      rows('state', floor, unseen).from(states).where(eq(states.readerId, readerId)),
      rows('newest', sql`COALESCE(${max(tweets.id)}, 0)`).from(tweets),
      rows('relations', hasRelations).from(sql`(SELECT 1) AS one`),
    ]
    // Drizzle's own UNION nests each part in the next, for which the server needs a fifth more time.
    const all = sql.join(parts, sql` UNION ALL `)
    const columns = { kind: sql<Kind>`kind`, value: count`value`, unseenHours: count`unseen_hours` }
    return db.select(columns).from(sql`(${all}) AS parts`)
  })

  return async function readSources(range: Range): Promise<Sources> {
    const byKind = Map.groupBy(await read(range), ({ kind }) => kind)
    const valuesOf = (kind: Kind) => byKind.get(kind)?.map(({ value }) => value) ?? []
    const [state] = byKind.get('state') ?? []
    // Undelivered tweets below the floor are left to the merge, which reads all tweets there.
    const floorId = state?.value ?? TOP
    const found = new Set([...valuesOf('entry'), ...valuesOf('late')])
    const ids = [...found]
      .filter((id) => id >= floorId)
      .sort((a, b) => b - a)
      .slice(0, range.limit)
    return {
      ids,
      from: ids[range.limit - 1] ?? floorId,
      newestId: valuesOf('newest')[0] ?? 0,
      mergedIds: valuesOf('merged'),
      hasRelations: valuesOf('relations')[0] !== 0,
      unseenHours: state?.unseenHours,
    }
  }
}
