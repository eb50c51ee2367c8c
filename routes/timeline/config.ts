import { type Static, Type } from 'typebox'

const settings = Type.Object({
  FANOUT_LIMIT: Type.Integer({
    minimum: 0,
    default: 10_000,
    description:
      'how many followers an author may have before their tweets are merged into timelines when those are read',
  }),
  TIMELINE_KEEP: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 800,
    description: 'how many entries of a timeline are kept ready; what is older is merged',
  }),
  TIMELINE_IDLE_DAYS: Type.Integer({
    // A visit is recorded once a day.
    minimum: 2,
    // A century, which the database's date range allows.
    maximum: 36_500,
    default: 30,
    description: 'after how many days nothing is kept ready for a reader who stays away',
  }),
})

declare module 'fastify' {
  interface Settings {
    timeline: Static<typeof settings>
  }
}

export default settings
