import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import { mediaObjects } from './objects.ts'

/** Rows per transaction; keeps locks short. */
const ROWS_PER_TRANSACTION = 200
/** Hours after which a picture in no tweet is deleted. */
const UNUSED_LIFE = 24
/** Seconds between two purges of unused pictures. */
const EXPIRE_EVERY = 3600
const REMOVE = 'media.remove'

/**
 * Deletes a row and adds the job that deletes its objects in one transaction, so that a row never
 * lacks its objects, and no crash leaves objects behind.
 */
export function createRemoval(app: FastifyInstance) {
  const { media } = app.tables

  const removeLater = (tx: Tx, objects: string[]) =>
    app.jobs.add(tx, objects.length > 0 ? [REMOVE] : [], { objects })

  const removeObjects = ({ objects }: { objects: string[] }) => app.s3.remove(objects)

  /** Deletes one batch of rows and their objects; returns the number of rows. */
  async function removeWhere(where: SQL | undefined, outer?: Tx) {
    return app.transaction(async (tx) => {
      const rows = await tx
        .select({ id: media.id, key: media.key })
        .from(media)
        .where(where)
        .limit(ROWS_PER_TRANSACTION)
        .for('update')
      if (rows.length === 0) return 0
      const ids = rows.map(({ id }) => id)
      await tx.delete(media).where(inArray(media.id, ids))
      await removeLater(
        tx,
        rows.flatMap(({ key }) => mediaObjects(key)),
      )
      return rows.length
    }, outer)
  }

  async function removeAll(where: SQL | undefined, signal?: AbortSignal) {
    while ((await removeWhere(where)) > 0) signal?.throwIfAborted()
  }

  /** Deletes pictures that have been in no tweet for a day. */
  const expire = (signal?: AbortSignal) =>
    removeAll(
      and(isNull(media.tweetId), sql`${media.createdAt} < NOW(3) - INTERVAL ${UNUSED_LIFE} HOUR`),
      signal,
    )

  async function erase(userId: number, signal: AbortSignal) {
    await removeAll(eq(media.ownerId, userId), signal)
    await app.transaction(async (tx) => removeLater(tx, await app.users.pictures.clear(userId, tx)))
  }

  function start() {
    // Retried without end: a long outage of the store must not leave pictures behind.
    const forGood = { maxAttempts: Number.POSITIVE_INFINITY }
    app.jobs.define(REMOVE, removeObjects, { ...forGood, lane: 's3' })
    app.jobs.every('media.expire', EXPIRE_EVERY, (_, { signal }) => expire(signal))
    app.events.subscribe(
      'tweet.deleted',
      'media.forget',
      ({ tweetId }) => removeAll(eq(media.tweetId, tweetId)),
      forGood,
    )
    app.users.addEraser(erase)
  }

  return { removeLater, removeWhere, expire, start }
}

export type Removal = ReturnType<typeof createRemoval>
