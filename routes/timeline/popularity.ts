import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, gt, inArray, type SQL, sql } from 'drizzle-orm'
import { DELIVERY } from './delivery.ts'
import { SIZES } from './sizes.ts'

/** Share of the limit, so that an author near it does not switch with every follow. */
const HYSTERESIS = 0.9

/**
 * Authors above FANOUT_LIMIT are merged into timelines instead of fanned out. Each follow records
 * this and may change at any time, since a page reads its current value.
 */
export function createPopularity(app: FastifyInstance, { rowsPerBatch } = SIZES) {
  const { follows, popularAuthors, users } = app.tables
  const { FANOUT_LIMIT } = app.config.timeline

  /** Switches the author when the limit has been crossed. Returns whether the author is popular. */
  async function check(authorId: number) {
    const [author] = await app.db
      .select({
        followers: app.users.counts.read('followers', sql`${authorId}`),
        popularId: popularAuthors.authorId,
      })
      .from(users)
      .leftJoin(popularAuthors, eq(popularAuthors.authorId, users.id))
      .where(eq(users.id, authorId))
    if (!author) return false
    const popular = author.popularId !== null
    if (!popular && author.followers > FANOUT_LIMIT) {
      await app.transaction(async (tx) => {
        await tx.insert(popularAuthors).ignore().values({ authorId })
        await app.jobs.add(tx, ['timeline.mergeAuthor'], { authorId })
      })
      return true
    }
    if (popular && author.followers <= FANOUT_LIMIT * HYSTERESIS) {
      await app.transaction(async (tx) => {
        await tx.delete(popularAuthors).where(eq(popularAuthors.authorId, authorId))
        await app.jobs.add(tx, ['timeline.fillAuthor'], { authorId })
      })
      return false
    }
    return popular
  }

  async function isPopular(authorId: number) {
    const rows = await app.db
      .select()
      .from(popularAuthors)
      .where(eq(popularAuthors.authorId, authorId))
    return rows.length > 0
  }

  /** Switches all follows of the author to merged. */
  async function mergeAuthor(authorId: number, signal: AbortSignal) {
    const fannedOut = and(eq(follows.followeeId, authorId), gt(follows.delivery, DELIVERY.merged))
    let changed = rowsPerBatch
    while (changed === rowsPerBatch && (await isPopular(authorId))) {
      signal.throwIfAborted()
      changed = await app.transaction((tx) => mergeSome(tx, fannedOut))
    }
  }

  async function mergeSome(tx: Tx, fannedOut: SQL | undefined) {
    const rows = await tx
      .select({ id: follows.id, readerId: follows.followerId })
      .from(follows)
      .where(fannedOut)
      .limit(rowsPerBatch)
      .for('update')
    if (rows.length === 0) return 0
    const ids = rows.map(({ id }) => id)
    await tx.update(follows).set({ delivery: DELIVERY.merged }).where(inArray(follows.id, ids))
    app.cache.invalidate(
      tx,
      'relations',
      rows.map(({ readerId }) => readerId),
    )
    return rows.length
  }

  async function erase(authorId: number) {
    await app.db.delete(popularAuthors).where(eq(popularAuthors.authorId, authorId))
  }

  return { check, mergeAuthor, erase }
}

export type Popularity = ReturnType<typeof createPopularity>
