import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { IdParams, OptionalAuth, PageQuery, problems } from 'birdhouse/schemas'
import { TweetPage, UserPage } from './schemas.ts'

const lists: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.identify)

  const schema = (operationId: string, summary: string) => ({
    tags: ['tweets'],
    operationId,
    summary,
    security: OptionalAuth,
    params: IdParams,
    querystring: PageQuery,
  })

  const tweetPage = { 200: TweetPage, ...problems(401, 404) }

  app.get(
    '/tweets/:id/replies',
    { schema: { ...schema('listReplies', 'Replies to a tweet'), response: tweetPage } },
    async ({ params, query, viewerId }, reply) => {
      const id = await app.tweets.listedId(params.id, viewerId)
      return reply.sendPage(await app.tweets.replies(id, query, viewerId))
    },
  )

  app.get(
    '/tweets/:id/likes',
    {
      schema: {
        ...schema('listLikers', 'Users who like a tweet'),
        response: { 200: UserPage, ...problems(401, 404) },
      },
    },
    async ({ params, query, viewerId }, reply) => {
      const id = await app.tweets.listedId(params.id, viewerId)
      return reply.sendPage(await app.graph.likers(id, query, viewerId))
    },
  )

  app.get(
    '/users/:id/tweets',
    { schema: { ...schema('listUserTweets', "A user's tweets"), response: tweetPage } },
    async ({ params, query, viewerId }, reply) => {
      await app.users.assertExist(app.db, [params.id])
      return reply.sendPage(await app.tweets.byAuthor(params.id, query, viewerId))
    },
  )

  app.get(
    '/users/:id/likes',
    { schema: { ...schema('listUserLikes', 'Tweets that a user likes'), response: tweetPage } },
    async ({ params, query, viewerId }, reply) => {
      await app.users.assertExist(app.db, [params.id])
      return reply.sendPage(await app.tweets.likedBy(params.id, query, viewerId))
    },
  )
}

export default lists
