import type { FastifyInstance } from 'fastify'
import { createTweetBodies, type TweetCounts } from './bodies.ts'
import { createTweetMemory } from './memory.ts'
import { createSight } from './sight.ts'
import { createVisibility } from './visibility.ts'

/** Reading goes in two steps: a list selects which rows to show, then they are filled in. */
export function createTweetQueries(app: FastifyInstance, counts: TweetCounts) {
  const memory = createTweetMemory(app, counts)
  return {
    ...createVisibility(app),
    ...createTweetBodies(app, memory),
    seen: createSight(app, memory),
    memory,
  }
}
