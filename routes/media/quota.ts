import createError from '@fastify/error'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { count, eq, sum } from 'drizzle-orm'

const MEGABYTE = 1_000_000

const QuotaExceeded = createError(
  'QUOTA_EXCEEDED',
  'Your pictures take %s of %s MB, and this one does not fit; delete pictures, or tweets with pictures.',
  403,
)

/** The bytes of an account's pictures, in tweets or not. Profile pictures do not count: there are two at most. */
export function createQuota(app: FastifyInstance) {
  const { media, users } = app.tables
  const quota = app.config.media.MEDIA_QUOTA_MB * MEGABYTE

  /** The sum is never stored, so that it is exact after any deletion; the index has all it needs. */
  async function usage(ownerId: number, db: Db | Tx = app.db) {
    const [row] = await db
      .select({ pictures: count(), bytes: sum(media.bytes).mapWith(Number) })
      .from(media)
      .where(eq(media.ownerId, ownerId))
    return { pictures: row?.pictures ?? 0, bytes: row?.bytes ?? 0, quota }
  }

  /** @throws QuotaExceeded when so many bytes more do not fit */
  async function assertRoom(ownerId: number, more: number, db?: Db | Tx) {
    const { bytes } = await usage(ownerId, db)
    if (bytes + more <= quota) return
    throw new QuotaExceeded((bytes / MEGABYTE).toFixed(1), quota / MEGABYTE)
  }

  /** The same, and other uploads of the account wait until the transaction ends. @throws QuotaExceeded */
  async function reserve(tx: Tx, ownerId: number, more: number) {
    await tx.select({ id: users.id }).from(users).where(eq(users.id, ownerId)).for('update')
    await assertRoom(ownerId, more, tx)
  }

  return { usage, assertRoom, reserve }
}

export type Quota = ReturnType<typeof createQuota>
