import { type Static, Type } from 'typebox'

const settings = Type.Object({
  MENTIONS_OF_STRANGERS_PER_HOUR: Type.Integer({
    minimum: 0,
    default: 100,
    description: 'how many mentions an hour notify people who do not follow the author',
  }),
})

declare module 'fastify' {
  interface Settings {
    notifications: Static<typeof settings>
  }
}

export default settings
