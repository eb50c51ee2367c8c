import type { FastifyInstance } from 'birdhouse'
import { and, eq, gt } from 'drizzle-orm'
import { mediaObject } from './objects.ts'

/** Adds the rows of an account to the archive for its owner: each picture in its largest size. */
export function addExports(app: FastifyInstance) {
  const { media } = app.tables

  const read = (userId: number, after: number, limit: number) =>
    app.db
      .select()
      .from(media)
      .where(and(eq(media.ownerId, userId), gt(media.id, after)))
      .orderBy(media.id)
      .limit(limit)

  const pathOf = (id: number) => `${id}.webp`

  app.exports.add(
    'pictures',
    async (...page) => {
      const rows = await read(...page)
      return rows.map(({ id, tweetId, alt, width, height, createdAt }) => {
        return { id, file: pathOf(id), tweetId, alt, width, height, createdAt }
      })
    },
    async (...page) => {
      const rows = await read(...page)
      return rows.map(({ id, key, variants }) => {
        const limit = Math.max(...variants.map((variant) => variant.limit))
        return { id, path: pathOf(id), key: mediaObject(key, limit) }
      })
    },
  )
}
