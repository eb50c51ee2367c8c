import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, IdParams, NoContent, problems } from 'birdhouse/schemas'

const reactions: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  const schema = (operationId: string, summary: string) => ({
    tags: ['tweets'],
    operationId,
    summary,
    description: 'Idempotent. A reaction to a retweet is a reaction to its original.',
    security: BearerAuth,
    params: IdParams,
    response: { 204: NoContent, ...problems(401, 404) },
  })

  app.put(
    '/tweets/:id/like',
    { schema: schema('likeTweet', 'Like a tweet') },
    async ({ viewer, params }, reply) => {
      await app.tweets.like(params.id, viewer.userId)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/tweets/:id/like',
    { schema: schema('unlikeTweet', 'Delete your like') },
    async ({ viewer, params }, reply) => {
      await app.tweets.unlike(params.id, viewer.userId)
      return reply.code(204).send(null)
    },
  )

  app.put(
    '/tweets/:id/retweet',
    { schema: schema('retweet', 'Retweet a tweet') },
    async ({ viewer, params }, reply) => {
      await app.tweets.retweet(params.id, viewer.userId)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/tweets/:id/retweet',
    { schema: schema('undoRetweet', 'Delete your retweet') },
    async ({ viewer, params }, reply) => {
      await app.tweets.undoRetweet(params.id, viewer.userId)
      return reply.code(204).send(null)
    },
  )
}

export default reactions
