import { type Static, Type } from 'typebox'

const settings = Type.Object({
  WEB_TIMELINE: Type.Union([Type.Literal('public'), Type.Literal('private')], {
    default: 'public',
    description: 'whether the first page shows the latest tweets of everyone to strangers',
  }),
})

declare module 'fastify' {
  interface Settings {
    web: Static<typeof settings>
  }
}

export default settings
