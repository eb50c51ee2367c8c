import { type Static, Type } from 'typebox'
import { readRedisUrl } from './redis-url.ts'

/** Says what to change in a REDIS_URL; empty if the URL is valid. */
const problemOf = (url: string) => {
  const read = readRedisUrl(url)
  return typeof read === 'string' ? read : ''
}

const settings = Type.Object({
  REDIS_URL: Type.Optional(
    Type.Refine(
      Type.String({ description: 'a Redis that wakes other processes at once' }),
      (url) => problemOf(url) === '',
      problemOf,
    ),
  ),
  LIVE_STREAMS_PER_USER: Type.Integer({
    minimum: 1,
    default: 10,
    description: 'how many streams one person may have open in one process',
  }),
  LIVE_KEEP_HOURS: Type.Integer({
    minimum: 1,
    // A year.
    maximum: 8_760,
    default: 24,
    description: 'after how many hours a reconnecting client is told to reload',
  }),
})

declare module 'fastify' {
  interface Settings {
    live: Static<typeof settings>
  }
}

export default settings
