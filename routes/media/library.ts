import createError from '@fastify/error'
import type { Db, FastifyInstance, Tx, Upload } from 'birdhouse'
import { and, eq, isNull } from 'drizzle-orm'
import { mediaObject, mediaObjects, newKey, store } from './objects.ts'
import { toVariants } from './pictures/index.ts'
import { columnsOf, present } from './present.ts'
import type { Quota } from './quota.ts'
import type { Removal } from './removal.ts'
import { ALT_MAX } from './schemas.ts'

export const MediaNotFound = createError('MEDIA_NOT_FOUND', 'You have no picture %s.', 404)
const MediaUsed = createError(
  'MEDIA_USED',
  'Picture %s is in a tweet; delete the tweet to delete the picture.',
  409,
)

/** Pictures that users upload for tweets. Only the owner can read a picture that is in no tweet. */
export function createLibrary(
  app: FastifyInstance,
  { removeAll, removeLater }: Removal,
  quota: Quota,
) {
  const { media } = app.tables
  const own = (id: number, ownerId: number) => and(eq(media.id, id), eq(media.ownerId, ownerId))

  /** @throws UserNotFound, QuotaExceeded, StorageUnavailable and what `toVariants` throws */
  async function create(ownerId: number, { file, fields, cancelled }: Upload) {
    const text = clean(fields.alt ?? '')
    const { variants, ...picture } = await toVariants(file, { ownerId, cancelled })
    const bytes = variants.reduce((all, variant) => all + variant.bytes.length, 0)
    await quota.assertRoom(ownerId, bytes)
    const key = newKey()
    await store(
      app,
      variants.map(({ limit, bytes }) => [mediaObject(key, limit), bytes]),
      cancelled,
    )
    const { width, height, animated, thumbhash } = picture
    const inserting = app.transaction(async (tx) => {
      await quota.reserve(tx, ownerId, bytes)
      const stored = variants.map(({ bytes: _, ...variant }) => variant)
      const row = {
        ownerId,
        key,
        alt: text,
        width,
        height,
        animated,
        thumbhash,
        bytes,
        variants: stored,
      }
      const [{ insertId }] = await tx
        .insert(media)
        .values(row)
        .catch(async (error) => {
          // The owner was erased during the upload.
          if (app.errors.isMissingParent(error)) await app.users.assertExist(tx, [ownerId])
          throw error
        })
      await app.users.assertExist(tx, [ownerId])
      return get(insertId, ownerId, tx)
    })
    return inserting.catch(async (error) => {
      // Another upload took the room meanwhile; the daily sweep would find these objects late.
      if (error.code === 'QUOTA_EXCEEDED')
        await app.transaction((tx) => removeLater(tx, mediaObjects(key)))
      throw error
    })
  }

  const clean = (alt: string) => app.cleanText(alt, { field: 'alt', max: ALT_MAX })

  /** @throws MediaNotFound */
  async function get(id: number, ownerId: number, db: Db | Tx = app.db) {
    const [row] = await db.select(columnsOf(app)).from(media).where(own(id, ownerId))
    if (!row) throw new MediaNotFound(id)
    return present(app, row)
  }

  /** Works for pictures in tweets as well. @throws MediaNotFound */
  async function setAlt(id: number, ownerId: number, alt: string) {
    await app.db
      .update(media)
      .set({ alt: clean(alt) })
      .where(own(id, ownerId))
    return get(id, ownerId)
  }

  /** Deletes a picture that is in no tweet. @throws MediaNotFound, MediaUsed */
  async function remove(id: number, ownerId: number, outer?: Tx) {
    await app.transaction(async (tx) => {
      if (await removeAll(and(own(id, ownerId), isNull(media.tweetId)), { outer: tx })) return
      await get(id, ownerId, tx)
      throw new MediaUsed(id)
    }, outer)
  }

  /**
   * Deletes a picture of anyone, in a tweet or not, and returns where it was; undefined if there is none. The
   * caller corrects the tweet's number of pictures.
   */
  async function removeAnyones(id: number, tx: Tx) {
    const columns = { ownerId: media.ownerId, tweetId: media.tweetId }
    const [row] = await tx.select(columns).from(media).where(eq(media.id, id)).for('update')
    if (row) await removeAll(eq(media.id, id), { outer: tx })
    return row
  }

  return { create, get, setAlt, remove, removeAnyones }
}
