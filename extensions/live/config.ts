import { type Static, Type } from 'typebox'

const settings = Type.Object({
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
