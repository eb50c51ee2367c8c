import { type Static, Type } from 'typebox'

const settings = Type.Object({
  SITE_NAME: Type.String({
    minLength: 1,
    maxLength: 60,
    default: 'Birdhouse',
    secret: false,
    description: 'the name of this place, shown on its pages',
  }),
  SITE_DESCRIPTION: Type.String({
    maxLength: 300,
    default: 'A small place for short messages.',
    secret: false,
    description: 'a sentence about this place, shown on its first page',
  }),
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
