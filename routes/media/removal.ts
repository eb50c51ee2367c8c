import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import { mediaObjects } from './objects.ts'

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

  /** Deletes rows and their objects; returns the number of rows. */
  function removeAll(where: SQL | undefined, options?: { signal?: AbortSignal; outer?: Tx }) {
    const onRows = (tx: Tx, rows: { key: string }[]) => {
      const objects = rows.flatMap(({ key }) => mediaObjects(key))
      return removeLater(tx, objects)
    }
    return app.deleteInBatches(media, where, onRows, options)
  }

  /** Deletes pictures that have been in no tweet for a day. */
  const expire = (options?: { signal: AbortSignal }) =>
    removeAll(
      and(isNull(media.tweetId), sql`${media.createdAt} < NOW(3) - INTERVAL ${UNUSED_LIFE} HOUR`),
      options,
    )

  async function erase(userId: number, signal: AbortSignal) {
    await removeAll(eq(media.ownerId, userId), { signal })
    await app.transaction(async (tx) => removeLater(tx, await app.users.pictures.clear(userId, tx)))
  }

  function start() {
    // Retried without end: a long outage of the store must not leave pictures behind.
    const forGood = { maxAttempts: Number.POSITIVE_INFINITY }
    app.jobs.define(REMOVE, removeObjects, { ...forGood, lane: 's3' })
    app.jobs.every('media.expire', EXPIRE_EVERY, (_, { signal }) => expire({ signal }))
    app.events.subscribe(
      'tweet.deleted',
      'media.forget',
      ({ tweetId }) => removeAll(eq(media.tweetId, tweetId)),
      forGood,
    )
    app.users.addEraser(erase)
  }

  return { removeLater, removeAll, expire, start }
}

export type Removal = ReturnType<typeof createRemoval>
