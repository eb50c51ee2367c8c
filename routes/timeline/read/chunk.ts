import type { FastifyInstance } from 'birdhouse'
import { and, eq, isNull } from 'drizzle-orm'
import { SIZES } from '../sizes.ts'
import { createApplyRules } from './rules.ts'
import { createReadSources } from './sources.ts'

/** Reads a part of a timeline from the database: what it is made of, then the rules. */
export function createReadChunk(app: FastifyInstance, sizes = SIZES) {
  const { follows, mutes } = app.tables
  const readSources = createReadSources(app)
  const applyRules = createApplyRules(app, sizes)

  /**
   * Returns the visible rows among the next `limit` candidates below an id. They are complete down to
   * `from`: above the floor from entries and merged authors, below it from all followees.
   */
  async function readChunk(readerId: number, { below, limit }: { below: number; limit: number }) {
    const sources = await readSources({ readerId, below, limit })
    const { hasRelations, newestId, unseenHours } = sources
    const isBelowFloor = sources.from >= below
    const [ids, authorIds] = isBelowFloor
      ? [[], [readerId, ...(await readFollowees(readerId))]]
      : [sources.ids, sources.mergedIds]
    // A block may have been committed since the sources were read, so newer tweets are left out.
    const end = Math.min(below, newestId + 1)
    const stretch = { below: end, from: isBelowFloor ? 0 : Math.min(sources.from, end), limit }
    const chunk = await applyRules(readerId, { ids, authorIds, hasRelations }, stretch)
    return { ...chunk, hasRelations, unseenHours }
  }

  /** Everyone whom the reader follows and does not mute. */
  async function readFollowees(readerId: number, limit?: number) {
    const muted = and(eq(mutes.muterId, readerId), eq(mutes.mutedId, follows.followeeId))
    const query = app.db
      .select({ id: follows.followeeId })
      .from(follows)
      .leftJoin(mutes, muted)
      .where(and(eq(follows.followerId, readerId), isNull(mutes.id)))
    return (await (limit ? query.limit(limit) : query)).map(({ id }) => id)
  }

  return { readChunk, readFollowees, applyRules }
}
