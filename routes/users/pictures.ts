import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNull } from 'drizzle-orm'
import { PICTURE_SIZES } from './schemas.ts'

export const UserNotFound = createError(
  'USER_NOT_FOUND',
  'There is no such user, or the account was deleted.',
  404,
)

/** Profile pictures: the folder of the objects, and the width of each size in pixels. */
const KINDS = {
  avatar: { folder: 'avatars', column: 'avatarKey', sizes: PICTURE_SIZES.avatar },
  header: { folder: 'headers', column: 'headerKey', sizes: PICTURE_SIZES.header },
} as const

export type PictureSize = 'small' | 'medium' | 'large'

/** Stores the keys of profile pictures in `users` and derives object names and URLs from the keys. */
export function createPictures(app: FastifyInstance) {
  const { users } = app.tables

  function createKind<Column extends 'avatarKey' | 'headerKey'>(kind: {
    folder: string
    column: Column
    sizes: Record<PictureSize, number>
  }) {
    const { folder, column, sizes } = kind
    const object = (key: string, width: number) => `${folder}/${key}/${width}.webp`
    const objects = (key: string) => Object.values(sizes).map((width) => object(key, width))

    function urls(key: string | null) {
      if (!key) return null
      const url = (width: number) => app.s3.url(object(key, width))
      return { small: url(sizes.small), medium: url(sizes.medium), large: url(sizes.large) }
    }

    /** Returns the key, or null without a picture. @throws UserNotFound */
    async function keyOf(userId: number) {
      const [user] = await app.db
        .select({ key: users[column] })
        .from(users)
        .where(and(eq(users.id, userId), isNull(users.hiddenAt)))
      if (!user) throw new UserNotFound()
      return user.key
    }

    /** Replaces the key, with null for no picture; returns the previous key. @throws UserNotFound */
    async function set(userId: number, key: string | null, outer?: Tx) {
      return app.transaction(async (tx) => {
        const where = and(eq(users.id, userId), isNull(users.deletedAt))
        const [before] = await tx
          .select({ key: users[column] })
          .from(users)
          .where(where)
          .for('update')
        if (!before) throw new UserNotFound()
        await tx
          .update(users)
          .set({ [column]: key })
          .where(eq(users.id, userId))
        await app.events.emit(tx, 'user.updated', { userId })
        return before.key
      }, outer)
    }

    return { folder, sizes, object, objects, urls, keyOf, set }
  }

  const avatar = createKind(KINDS.avatar)
  const header = createKind(KINDS.header)

  /** Deletes the keys of an account that is being erased; returns the names of their objects. */
  async function clear(userId: number, tx: Tx) {
    const [user] = await tx
      .select({ avatarKey: users.avatarKey, headerKey: users.headerKey })
      .from(users)
      .where(eq(users.id, userId))
      .for('update')
    await tx.update(users).set({ avatarKey: null, headerKey: null }).where(eq(users.id, userId))
    return [
      ...(user?.avatarKey ? avatar.objects(user.avatarKey) : []),
      ...(user?.headerKey ? header.objects(user.headerKey) : []),
    ]
  }

  return { avatar, header, clear }
}
