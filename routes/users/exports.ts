import type { FastifyInstance } from 'birdhouse'
import { eq } from 'drizzle-orm'

/** Adds the rows of an account to the archive for its owner: the account with its largest profile pictures. */
export function addExports(app: FastifyInstance) {
  const { users } = app.tables
  const { avatar, header } = app.users.pictures

  app.exports.add(
    'account',
    async (userId) => {
      const { id: _, passwordHash: __, avatarKey, headerKey, ...account } = await rowOf(userId)
      const files = { avatar: avatarKey && 'avatar.webp', header: headerKey && 'header.webp' }
      return [{ userId, ...account, ...files }]
    },
    async (userId) => {
      const { avatarKey, headerKey } = await rowOf(userId)
      const object = { avatar: avatar.sizes.large, header: header.sizes.large }
      return [
        ...(avatarKey
          ? [{ id: 1, path: 'avatar.webp', key: avatar.object(avatarKey, object.avatar) }]
          : []),
        ...(headerKey
          ? [{ id: 2, path: 'header.webp', key: header.object(headerKey, object.header) }]
          : []),
      ]
    },
  )

  async function rowOf(userId: number) {
    const [row] = await app.db.select().from(users).where(eq(users.id, userId))
    if (!row) throw new Error('The account was erased.')
    return row
  }
}
