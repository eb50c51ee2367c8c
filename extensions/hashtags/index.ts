import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import {
  BearerAuth,
  NoContent,
  OptionalAuth,
  PageOf,
  PageQuery,
  problems,
  ref,
  Timestamp,
} from 'birdhouse/schemas'
import { MutedTag, TagParams, Trending, TrendingQuery } from './schemas.ts'

export const kernel = '^0.3.0'

const hashtags: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(reading)
  await app.register(own)
  await app.register(muting)
}

const reading: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.identify)

  app.get(
    '/hashtags/:tag/tweets',
    {
      schema: {
        tags: ['hashtags'],
        operationId: 'listHashtagTweets',
        summary: 'Tweets with a hashtag, newest first',
        description:
          'Case, width and composition are ignored. The page of a tag that nobody used is empty; an invalid tag is answered with 404.',
        security: OptionalAuth,
        params: TagParams,
        querystring: PageQuery,
        response: { 200: PageOf(ref('Tweet')), ...problems(401, 404) },
      },
    },
    async ({ params, query, viewerId }, reply) =>
      reply.sendPage(await app.hashtags.page(params.tag, query, viewerId)),
  )

  app.get(
    '/hashtags/trending',
    {
      schema: {
        tags: ['hashtags'],
        operationId: 'listTrendingHashtags',
        summary: 'Hashtags that most people used in the last 24 hours',
        description:
          'Ranked by the number of people who used them, not by the number of tweets; ties rank by the latest use. Hashtags that you mute are left out.',
        security: OptionalAuth,
        querystring: TrendingQuery,
        response: { 200: Trending, ...problems(401) },
      },
    },
    async ({ query, viewerId }) => app.hashtags.trending(query.limit, viewerId),
  )
}

const own: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.get(
    '/users/me/mentions',
    {
      schema: {
        tags: ['hashtags'],
        operationId: 'listMentions',
        summary: 'Tweets that mention you, newest first',
        description: 'Tweets by people you mute are left out, as in your notifications.',
        security: BearerAuth,
        querystring: PageQuery,
        response: { 200: PageOf(ref('Tweet')), ...problems(401) },
      },
    },
    async ({ viewer, query }, reply) =>
      reply.sendPage(await app.hashtags.mentions(viewer.userId, query)),
  )

  app.get(
    '/hashtags/muted',
    {
      schema: {
        tags: ['hashtags'],
        operationId: 'listMutedHashtags',
        summary: 'Hashtags that you mute, latest first',
        security: BearerAuth,
        querystring: PageQuery,
        response: { 200: PageOf(MutedTag(Timestamp)), ...problems(401) },
      },
    },
    async ({ viewer, query }, reply) =>
      reply.sendPage(await app.hashtags.muted(viewer.userId, query)),
  )
}

const muting: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.put(
    '/hashtags/:tag/mute',
    {
      schema: {
        tags: ['hashtags'],
        operationId: 'muteHashtag',
        summary: 'Mute a hashtag',
        description: 'Your timeline leaves out tweets with the hashtag. Idempotent.',
        security: BearerAuth,
        params: TagParams,
        response: { 204: NoContent, ...problems(401, 404, 422) },
      },
    },
    async ({ viewer, params }, reply) => {
      await app.hashtags.mute(viewer.userId, params.tag)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/hashtags/:tag/mute',
    {
      schema: {
        tags: ['hashtags'],
        operationId: 'unmuteHashtag',
        summary: 'Unmute a hashtag',
        description: 'Idempotent.',
        security: BearerAuth,
        params: TagParams,
        response: { 204: NoContent, ...problems(401, 404) },
      },
    },
    async ({ viewer, params }, reply) => {
      await app.hashtags.unmute(viewer.userId, params.tag)
      return reply.code(204).send(null)
    },
  )
}

export default hashtags
