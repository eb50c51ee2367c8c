import type { FastifyInstance } from 'fastify'
import { createTweetBodies, type TweetCounts } from './bodies.ts'
import { createVisibility } from './visibility.ts'

/** Reading goes in two steps: a list selects which rows to show, one more query fills them in. */
export const createTweetQueries = (app: FastifyInstance, counts: TweetCounts) => ({
  ...createVisibility(app),
  ...createTweetBodies(app, counts),
})
