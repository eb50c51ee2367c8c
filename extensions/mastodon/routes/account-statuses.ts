import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { and, eq, gt, isNull, or, sql } from 'drizzle-orm'
import { Type } from 'typebox'
import { IdParams, idIn, sendStatuses } from '../answers.ts'
import { pageQuery, toPageRequest } from '../paging.ts'

const USUAL = 20
const flag = Type.Optional(Type.Boolean())

/** The statuses of an account. */
const accountStatuses: FastifyPluginAsyncTypebox = async (app) => {
  const { hashtagTweets, tweets } = app.tables
  const hashtags = app.optional('hashtags')

  app.get(
    '/api/v1/accounts/:id/statuses',
    {
      config: { scope: 'read:statuses', isOpen: true },
      schema: {
        params: IdParams,
        querystring: Type.Object({
          ...pageQuery,
          exclude_replies: flag,
          exclude_reblogs: flag,
          only_media: flag,
          pinned: flag,
          tagged: Type.Optional(Type.String({ maxLength: 200 })),
        }),
      },
    },
    async (request, reply) => {
      const { query, viewerId } = request
      const id = idIn(request.params)
      await app.users.get(id, viewerId)
      // Nothing is pinned.
      if (query.pinned) return []
      const where = and(
        eq(tweets.authorId, id),
        query.exclude_replies ? isNoReplyToOthers(id) : undefined,
        query.tagged ? hasTag(query.tagged) : undefined,
        query.exclude_reblogs ? isNull(tweets.retweetOfId) : undefined,
        query.only_media ? gt(tweets.mediaCount, 0) : undefined,
      )
      const asked = toPageRequest(query, USUAL)
      const page = await app.tweets.page(`tweets-by:${id}`, where, asked, viewerId)
      return sendStatuses(app, request, reply, page)
    },
  )

  /** The author's own threads stay. */
  const isNoReplyToOthers = (id: number) =>
    or(
      isNull(tweets.replyToId),
      sql`EXISTS (SELECT 1 FROM ${tweets} parent WHERE parent.id = ${tweets.replyToId} AND parent.author_id = ${id})`,
    )

  /** @throws HashtagNotFound */
  const hasTag = (tag: string) =>
    hashtags
      ? sql`EXISTS (SELECT 1 FROM ${hashtagTweets} WHERE tag = ${hashtags.keyOf(tag)} AND tweet_id = ${tweets.id})`
      : sql`FALSE`
}

export default accountStatuses
