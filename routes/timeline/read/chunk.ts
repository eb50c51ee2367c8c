import type { FastifyInstance } from 'birdhouse'
import { eq } from 'drizzle-orm'
import { SIZES } from '../sizes.ts'
import { createJudge } from './judge.ts'
import { createReadSources } from './sources.ts'

/** Reads a part of a timeline from the database: what it is made of, then the rules. */
export function createReadChunk(app: FastifyInstance, sizes = SIZES) {
  const { follows } = app.tables
  const readSources = createReadSources(app)
  const judge = createJudge(app, sizes)

  /**
   * Returns the visible rows among the next `limit` candidates below an id. They are complete down to
   * `from`: above the floor from entries and merged authors, below it from all followees.
   */
  async function readChunk(readerId: number, { below, limit }: { below: number; limit: number }) {
    const sources = await readSources({ readerId, below, limit })
    const isBelowFloor = sources.from >= below
    const candidates = isBelowFloor
      ? { ids: [], authorIds: [readerId, ...(await readFollowees(readerId))] }
      : { ids: sources.ids, authorIds: sources.mergedIds }
    const { isAlone } = sources
    const stretch = { below, from: isBelowFloor ? 0 : sources.from, limit }
    const chunk = await judge(readerId, { ...candidates, isAlone }, stretch)
    return { ...chunk, isAlone, unseenHours: sources.unseenHours }
  }

  async function readFollowees(readerId: number, limit?: number) {
    const query = app.db
      .select({ id: follows.followeeId })
      .from(follows)
      .where(eq(follows.followerId, readerId))
    return (await (limit ? query.limit(limit) : query)).map(({ id }) => id)
  }

  return { readChunk, readFollowees, judge }
}
