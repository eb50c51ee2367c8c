import createError from '@fastify/error'
import type { FastifyInstance, FastifyPluginAsyncTypebox } from 'birdhouse'
import * as schemas from './schemas.ts'

const TIMELINE_LENGTH = 100
const TOKEN = [{ flatToken: [] }]

const OverLong = createError('TWEET_TOO_LONG', 'over %s character', 400)

const signedIn: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  const flatSchema = (operationId: string, summary: string) => ({
    tags: ['flat'],
    operationId,
    summary,
    security: TOKEN,
    response: { 200: schemas.Empty, ...schemas.failures(401, 404) },
  })

  app.post(
    '/tweet',
    { schema: { ...flatSchema('flatTweet', 'Post a tweet'), body: schemas.Tweet } },
    async ({ viewer, body }, reply) => {
      if (app.tweets.isTooLong(body.tweet.normalize('NFC').replaceAll('\r\n', '\n')))
        throw new OverLong(app.tweets.maxLength)
      await app.tweets.create({ authorId: viewer.userId, text: body.tweet })
      return reply.type('text/plain').send('')
    },
  )

  app.post(
    '/like',
    { schema: { ...flatSchema('flatLike', 'Like a tweet'), body: schemas.TweetId } },
    async ({ viewer, body }, reply) => {
      await app.tweets.like(Number(body.tweet_id), viewer.userId)
      return reply.type('text/plain').send('')
    },
  )

  app.post(
    '/unlike',
    { schema: { ...flatSchema('flatUnlike', 'Delete a like'), body: schemas.TweetId } },
    async ({ viewer, body }, reply) => {
      await app.tweets.unlike(Number(body.tweet_id), viewer.userId)
      return reply.type('text/plain').send('')
    },
  )

  app.post(
    '/follow',
    {
      schema: {
        ...flatSchema('flatFollow', 'Follow a user'),
        body: schemas.Follow,
        response: { 200: schemas.Empty, ...schemas.failures(401, 403, 404) },
      },
    },
    async ({ viewer, body }, reply) => {
      await app.graph.follow(viewer.userId, Number(body.follow))
      return reply.type('text/plain').send('')
    },
  )

  app.post(
    '/unfollow',
    { schema: { ...flatSchema('flatUnfollow', 'Unfollow a user'), body: schemas.Unfollow } },
    async ({ viewer, body }, reply) => {
      await app.graph.unfollow(viewer.userId, Number(body.unfollow))
      return reply.type('text/plain').send('')
    },
  )

  app.get(
    '/timeline',
    {
      schema: {
        ...flatSchema('flatTimeline', 'Get the newest 100 tweets of your timeline, oldest first'),
        querystring: schemas.TimelineQuery,
        response: { 200: schemas.Timeline, ...schemas.failures(401) },
      },
    },
    async ({ viewer, query }, reply) => {
      const request = { ...query, limit: TIMELINE_LENGTH }
      const page = reply.sendPage(await app.timeline.page(viewer.userId, request))
      return { user_id: viewer.userId, timeline: page.items.flatMap(entry).reverse() }
    },
  )
}

type TimelinePage = Awaited<ReturnType<FastifyInstance['timeline']['page']>>

/** Replaces a retweet by the retweeted tweet, because the original API has no retweets. */
function entry({ retweetOf, ...tweet }: TimelinePage['items'][number]) {
  const { id, author, text } = retweetOf ?? tweet
  return author && text !== null ? [{ user_id: author.id, tweet: text, tweet_id: id }] : []
}

export default signedIn
