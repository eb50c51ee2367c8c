import { type Static, Type } from 'typebox'

const settings = Type.Object({
  SIGN_UP: Type.Union([Type.Literal('open'), Type.Literal('approved'), Type.Literal('invited')], {
    default: 'open',
    description:
      'who may sign up: open for everyone, approved for everyone once a moderator approves, invited for people with an invitation',
  }),
})

declare module 'fastify' {
  interface Settings {
    'sign-up': Static<typeof settings>
  }
}

export default settings
