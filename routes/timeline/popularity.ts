import { and, eq, gt, inArray, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { DELIVERY } from '../../db/schema/columns.ts'
import type { Tx } from '../../plugins/db/client.ts'
import { SIZES } from './sizes.ts'

/** Of the limit: an author who hovers around it doesn't change sides with every follow. */
const HYSTERESIS = 0.9

/**
 * Authors of very many followers are merged into timelines instead of being fanned out. Which of
 * both happens is written at each follow, and changing it there is safe at any time: a reader's
 * page goes by the follow as it is at that moment.
 */
export function createPopularity(app: FastifyInstance, { rowsPerBatch } = SIZES) {
  const { follows, popularAuthors, users } = app.tables
  const { FANOUT_LIMIT } = app.config.timeline

  /** Changes sides when the limit has been crossed. Returns whether the author is popular. */
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

  /** From here on their tweets are merged for every follower. */
  async function mergeAuthor(authorId: number, signal: AbortSignal) {
    const fannedOut = and(eq(follows.followeeId, authorId), gt(follows.delivery, DELIVERY.merged))
    let changed = rowsPerBatch
    while (changed === rowsPerBatch && (await isPopular(authorId))) {
      signal.throwIfAborted()
      changed = await app.transaction((tx) => mergeSome(tx, fannedOut))
    }
  }

  /** Their readers' pages go by it from the commit on. */
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
