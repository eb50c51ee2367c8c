import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { and, eq, isNull, type SQL } from 'drizzle-orm'
import { Type } from 'typebox'
import { NotFound } from '../errors.ts'
import { NO_AVATAR, NO_HEADER, PICTURES } from '../present/pictures.ts'

/** A grey square, which clients scale. */
const GREY = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAMAAADz0U65AAAAA1BMVEWImabXakBsAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAADElEQVQImWNgoA4AAABIAAF7pRHIAAAAAElFTkSuQmCC',
  'base64',
)

/** Keys of objects that are pictures, with the random part that nobody can guess. */
const KEY = /^(media|avatars|headers)\/([\w-]{32})\/\d{2,4}\.webp$/

/** Pictures at addresses that do not change. */
const pictures: FastifyPluginAsyncTypebox = async (app) => {
  const { media, tweets, users } = app.tables

  for (const path of [NO_AVATAR, NO_HEADER]) {
    app.get(path, async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=86400').type('image/png').send(GREY),
    )
  }

  app.get(
    `${PICTURES}*`,
    { schema: { params: Type.Object({ '*': Type.String() }) } },
    async ({ params }, reply) => {
      const [key, folder = '', name = ''] = KEY.exec(params['*']) ?? []
      if (!key || !(await isShown(folder, name))) throw new NotFound()
      // A deleted picture must not stay for long.
      return reply.header('cache-control', 'public, max-age=300').redirect(app.s3.url(key))
    },
  )

  const isShown = (folder: string, name: string) =>
    folder === 'media'
      ? isInTweet(name)
      : isOfUser(eq(folder === 'avatars' ? users.avatarKey : users.headerKey, name))

  async function isOfUser(hasPicture: SQL) {
    const shown = and(hasPicture, isNull(users.hiddenAt))
    return (await app.db.select({ id: users.id }).from(users).where(shown)).length > 0
  }

  /** The address of a picture that is in no tweet yet is known to its owner alone. */
  async function isInTweet(name: string) {
    const rows = await app.db
      .select({ id: media.id })
      .from(media)
      .innerJoin(users, eq(users.id, media.ownerId))
      .leftJoin(tweets, eq(tweets.id, media.tweetId))
      .where(and(eq(media.key, name), isNull(users.hiddenAt), isNull(tweets.deletedAt)))
    return rows.length > 0
  }
}

export default pictures
