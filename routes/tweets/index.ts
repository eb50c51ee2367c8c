import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import {
  BearerAuth,
  IdParams,
  NoContent,
  OptionalAuth,
  PageQuery,
  problems,
  ref,
} from 'birdhouse/schemas'
import { LINK, STORED_MAX, TWEET_MAX } from './length.ts'
import lists from './list-routes.ts'
import reactions from './reaction-routes.ts'
import { NewTweetHeaders, TweetPage } from './schemas.ts'

const tweets: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(writing)
  await app.register(reactions)
  await app.register(reading)
  await app.register(lists)
}

const writing: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.post(
    '/tweets',
    {
      schema: {
        tags: ['tweets'],
        operationId: 'createTweet',
        summary: 'Tweet or reply',
        description: `The text has 1 to ${TWEET_MAX} characters after NFC normalisation: a link counts as ${LINK} at most, and an emoji of several code points, such as a family, as one. All in all it has at most ${STORED_MAX} code points. A tweet with pictures needs no text.`,
        security: BearerAuth,
        headers: NewTweetHeaders,
        body: app.tweets.bodySchema(),
        response: { 201: ref('Tweet'), ...problems(401, 404, 409, 422) },
      },
    },
    async ({ viewer, body, headers }, reply) => {
      const { userId } = viewer
      const key = headers['idempotency-key']
      const input = { authorId: userId, text: '', ...body }
      const tweet =
        key === undefined
          ? await app.tweets.create(input)
          : await app.idempotency.run(
              { userId, key, body },
              () => app.tweets.prepare(input),
              app.tweets.write,
              ({ id }) => app.tweets.get(id, userId),
            )
      return reply.code(201).header('location', `/v1/tweets/${tweet.id}`).send(tweet)
    },
  )

  app.delete(
    '/tweets/:id',
    {
      schema: {
        tags: ['tweets'],
        operationId: 'deleteTweet',
        summary: 'Delete your tweet',
        description: 'A tombstone without text remains, so that replies stay readable.',
        security: BearerAuth,
        params: IdParams,
        response: { 204: NoContent, ...problems(401, 403, 404) },
      },
    },
    async ({ viewer, params }, reply) => {
      await app.tweets.remove(params.id, viewer.userId)
      return reply.code(204).send(null)
    },
  )
}

const reading: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.identify)

  app.get(
    '/tweets',
    {
      schema: {
        tags: ['tweets'],
        operationId: 'listTweets',
        summary: "Everyone's tweets and replies",
        security: OptionalAuth,
        querystring: PageQuery,
        response: { 200: TweetPage, ...problems(401) },
      },
    },
    async ({ query, viewerId }, reply) =>
      reply.sendPage(await app.tweets.everyones(query, viewerId)),
  )

  app.get(
    '/tweets/:id',
    {
      schema: {
        tags: ['tweets'],
        operationId: 'getTweet',
        summary: 'Get a tweet',
        description:
          'A deleted tweet is returned as a tombstone: `deleted` is true, `text` and `author` are null.',
        security: OptionalAuth,
        params: IdParams,
        response: { 200: ref('Tweet'), ...problems(401, 404) },
      },
    },
    async ({ params, viewerId }) => app.tweets.get(params.id, viewerId),
  )
}

export default tweets
