import type { FastifyInstance } from 'birdhouse'
import { and, asc, desc, eq, gt, inArray, lt, lte, or, sql } from 'drizzle-orm'

/** Events per batch of the pump. */
export const EVENTS_PER_BATCH = 100

export type LiveEvent = { seq: number; kind: string; subjectId: number; userId: number }

/** Sent once for each tweet, to followers as well; any other event is sent to its user at each emit. */
const OF_TWEETS = ['tweet', 'tweet.deleted']

/** The most rows kept, whatever their age; some 100 MB. */
const KEEP_ROWS = 1_000_000

/**
 * An append locks the sequence's row until the commit, so numbers become visible in order and
 * reading on from the last number misses nothing. Ids assigned at INSERT would not.
 */
export function createJournal(app: FastifyInstance) {
  const { follows, liveEvents, liveSequence } = app.tables
  const { seq, kind, subjectId, userId, createdAt } = liveEvents
  const columns = { seq, kind, subjectId, userId }

  /**
   * Idempotent, since jobs may run twice. IGNORE leaves out repeated tweets, and events of accounts that
   * have been erased meanwhile; their numbers stay unused.
   */
  async function append(events: Omit<LiveEvent, 'seq'>[]) {
    const count = sql.raw(String(events.length))
    const replacing = events.filter(({ kind }) => !OF_TWEETS.includes(kind))
    await app.transaction(async (tx) => {
      await tx
        .insert(liveSequence)
        .values({ id: 1, value: events.length })
        .onDuplicateKeyUpdate({ set: { value: sql`${liveSequence.value} + ${count}` } })
      const [last] = await tx.select().from(liveSequence)
      if (replacing.length > 0) await tx.delete(liveEvents).where(or(...replacing.map(same)))
      const first = (last?.value ?? 0) - events.length + 1
      const rows = events.map((event, n) => ({ ...event, seq: first + n }))
      await tx.insert(liveEvents).ignore().values(rows)
    })
  }

  /** A later event of the same subject for the same user replaces the earlier one. */
  const same = (event: Omit<LiveEvent, 'seq'>) =>
    and(eq(kind, event.kind), eq(subjectId, event.subjectId), eq(userId, event.userId))

  async function head() {
    const [row] = await app.db.select().from(liveSequence)
    return row?.value ?? 0
  }

  /** True if an event above this number has been purged; call it after reading the events. */
  async function isPurged(from: number) {
    const [row] = await app.db.select().from(liveSequence)
    return (row?.purged ?? 0) > from
  }

  const after = (from: number, limit: number): Promise<LiveEvent[]> =>
    app.db.select(columns).from(liveEvents).where(gt(seq, from)).orderBy(asc(seq)).limit(limit)

  /** Events above `from` and up to `to` that may be for this reader. */
  function concerning(
    readerId: number,
    from: number,
    to: number,
    limit: number,
  ): Promise<LiveEvent[]> {
    const followees = app.db
      .select({ id: follows.followeeId })
      .from(follows)
      .where(eq(follows.followerId, readerId))
    const byFollowees = and(inArray(userId, followees), inArray(kind, OF_TWEETS))
    return app.db
      .select(columns)
      .from(liveEvents)
      .where(and(gt(seq, from), lte(seq, to), or(eq(userId, readerId), byFollowees)))
      .orderBy(asc(seq))
      .limit(limit)
  }

  async function purge() {
    const hours = sql.raw(String(app.config.live.LIVE_KEEP_HOURS))
    const [old] = await app.db
      .select({ seq })
      .from(liveEvents)
      .where(lt(createdAt, sql`NOW(3) - INTERVAL ${hours} HOUR`))
      .orderBy(desc(createdAt))
      .limit(1)
    const upTo = Math.max(old?.seq ?? 0, (await head()) - KEEP_ROWS)
    if (upTo <= 0) return
    // Recorded first, so that no reader takes a partly purged journal for complete.
    await app.db
      .update(liveSequence)
      .set({ purged: sql`GREATEST(${liveSequence.purged}, ${upTo})` })
    await app.deleteInBatches(liveEvents, lte(seq, upTo))
  }

  return { append, head, isPurged, after, concerning, purge }
}

export type Journal = ReturnType<typeof createJournal>
