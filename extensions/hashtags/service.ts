import { createHash } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyInstance, PageRequest } from 'birdhouse'
import { and, eq } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { createBackfill } from './backfill.ts'
import { addEntities } from './entities.ts'
import { createIndex } from './indexing.ts'
import { createMutes, tagOf } from './mutes.ts'
import { parse } from './parse.ts'
import { createTrends } from './trends.ts'

declare module 'fastify' {
  interface FastifyInstance {
    hashtags: ReturnType<typeof createHashtags>
  }
  interface CacheTopics {
    hashtagMutes: 'user'
  }
}

/** Different handles per tweet; more is treated as spam. */
const MENTIONS_MAX = 10

const TooManyMentions = createError(
  'TOO_MANY_MENTIONS',
  `A tweet can mention at most ${MENTIONS_MAX} people.`,
  422,
)

function createHashtags(app: FastifyInstance) {
  const { hashtagMentions, hashtagTweets, tweets } = app.tables
  const trends = createTrends(app)
  const index = createIndex(app, trends)

  /** Tweets with a tag, newest first; empty for an unused tag. @throws HashtagNotFound */
  async function page(input: string, request: PageRequest, viewerId?: number) {
    const { key } = tagOf(input)
    const { tweetId } = hashtagTweets
    // A cursor contains the name of its list and must stay short; a tag may be long.
    const list = `hashtag:${createHash('sha256').update(key).digest('base64url')}`
    const through = { table: hashtagTweets, tweetId, position: tweetId }
    return app.tweets.pageBy(list, through, eq(hashtagTweets.tag, key), request, viewerId)
  }

  /** Newest first, without tweets by people that the user mutes. */
  function mentions(userId: number, request: PageRequest) {
    const { tweetId } = hashtagMentions
    const through = { table: hashtagMentions, tweetId, position: tweetId }
    const where = and(
      eq(hashtagMentions.userId, userId),
      app.graph.notMuted(userId, tweets.authorId),
    )
    return app.tweets.pageBy(`mentions:${userId}`, through, where, request, userId)
  }

  /** Equal tags have one key. @throws HashtagNotFound */
  const keyOf = (input: string) => tagOf(input).key

  const { trending, purge } = trends
  return {
    keyOf,
    page,
    mentions,
    trending,
    purge,
    ...createMutes(app),
    ...createBackfill(app, index),
  }
}

async function service(app: FastifyInstance) {
  app.decorate('hashtags', createHashtags(app))
  addEntities(app)

  app.tweets.beforeCreate(async ({ text }) => {
    const handles = new Set(parse(text).mentions.map(({ handle }) => handle))
    if (handles.size > MENTIONS_MAX) throw new TooManyMentions()
    return undefined
  })
}

export default fp(service, { name: 'hashtags.service', dependencies: ['tweets.service'] })
