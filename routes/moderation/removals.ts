import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNull } from 'drizzle-orm'
import type { Access } from './access.ts'
import { type Audit, cleanReason } from './audit.ts'

const KINDS = ['tweet', 'picture', 'avatar', 'header'] as const
type Kind = (typeof KINDS)[number]
export type Removal = { id: number; reason: string; actorId?: number | undefined }

export const TargetNotFound = createError(
  'TARGET_NOT_FOUND',
  'There is no %s %s; it may have been deleted.',
  404,
)

export const isRemovable = (kind: string): kind is Kind => KINDS.some((one) => one === kind)

/** Removals of tweets and pictures. The id of a profile picture is that of its account. */
export function createRemovals(app: FastifyInstance, access: Access, audit: Audit) {
  const { media, tweets } = app.tables

  /** Returns the id of the act. @throws TargetNotFound, NotOnYourself, HigherRole */
  async function remove(kind: Kind, { id, reason: given, actorId }: Removal, outer?: Tx) {
    const reason = cleanReason(app, given)
    return app.transaction(async (tx) => {
      const accountId = await ownerOf(tx, kind, id)
      await access.assertMayActOn(actorId, await app.users.states.lock(tx, accountId))
      await removeOne(tx, kind, id, accountId)
      return audit.record(
        { actorId, act: `remove-${kind}`, target: { kind, id }, accountId, reason },
        tx,
      )
    }, outer)
  }

  /** The account that wrote or owns the target, unless the target is deleted. @throws TargetNotFound */
  async function ownerOf(tx: Tx, kind: Kind, id: number) {
    if (kind === 'avatar' || kind === 'header') return id
    const [row] = await (kind === 'tweet'
      ? tx
          .select({ ownerId: tweets.authorId })
          .from(tweets)
          .where(and(eq(tweets.id, id), isNull(tweets.deletedAt)))
      : tx.select({ ownerId: media.ownerId }).from(media).where(eq(media.id, id)))
    if (!row) throw new TargetNotFound(kind, id)
    return row.ownerId
  }

  async function removeOne(tx: Tx, kind: Kind, id: number, accountId: number) {
    if (kind === 'tweet') return app.tweets.remove(id, accountId, tx)
    if (kind === 'picture') {
      const picture = await app.media.removeAnyones(id, tx)
      if (!picture) throw new TargetNotFound(kind, id)
      if (picture.tweetId) await app.tweets.forgetPicture(tx, picture.tweetId, accountId)
      return
    }
    if (!(await app.media.removePicture(kind, id, tx))) throw new TargetNotFound(kind, id)
  }

  return { remove, targetOwner: ownerOf }
}

export type Removals = ReturnType<typeof createRemovals>
