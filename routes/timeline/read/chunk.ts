import type { FastifyInstance } from 'birdhouse'
import { and, eq, sql } from 'drizzle-orm'
import { DELIVERY } from '../delivery.ts'
import { SIZES } from '../sizes.ts'
import { createJudge } from './judge.ts'
import { createReadSources } from './sources.ts'

/** Reads a part of a timeline from the database: what it is made of, then the rules. */
export function createReadChunk(app: FastifyInstance, sizes = SIZES) {
  const { follows } = app.tables
  const readSources = createReadSources(app, sizes)
  const judge = createJudge(app, sizes)

  /**
   * Returns the visible rows among the next `limit` candidates below an id. They are complete down to
   * `from`: above the floor from entries and merged authors, below it from all followees.
   */
  async function readChunk(readerId: number, { below, limit }: { below: number; limit: number }) {
    const sources = await readSources({ readerId, below, limit })
    const { newestId, unseenHours } = sources
    const isBelowFloor = sources.from >= below
    const hasAllMerged = !sources.hasMore || sources.followees.at(-1)?.merged === false
    const isEnough = isBelowFloor ? !sources.hasMore : hasAllMerged
    const followees = isEnough ? sources.followees : await readFollowees(readerId)
    const idsOf = (some: typeof followees) => some.map(({ id }) => id)
    const { candidates, from } = isBelowFloor
      ? { candidates: { ids: [], authorIds: [readerId, ...idsOf(followees)] }, from: 0 }
      : {
          candidates: { ids: sources.ids, authorIds: idsOf(followees.filter((one) => one.merged)) },
          from: sources.from,
        }
    const chunk = await judge(readerId, candidates, { below, from, limit, newestId })
    return { ...chunk, unseenHours, followees: sources.hasMore ? undefined : idsOf(followees) }
  }

  /** Everyone whom the reader follows and does not mute. */
  const readFollowees = (readerId: number) =>
    app.db
      .select({
        id: follows.followeeId,
        merged: sql`${follows.delivery} < ${DELIVERY.materialised}`.mapWith(Boolean),
      })
      .from(follows)
      .where(
        and(eq(follows.followerId, readerId), app.graph.notMuted(readerId, follows.followeeId)),
      )

  return { readChunk, judge }
}
