import { type Static, Type } from 'typebox'

const settings = Type.Object({
  SIGN_UP: Type.Union([Type.Literal('open'), Type.Literal('approved'), Type.Literal('invited')], {
    default: 'open',
    description:
      'who may sign up: open for everyone, approved for everyone once a moderator approves, invited for people with an invitation',
  }),
  TERMS_VERSION: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9._-]{1,40}$',
      secret: false,
      description: 'the version of your terms, such as 2026-01, which a sign-up must accept',
    }),
  ),
  TERMS_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^\\s]+$',
      maxLength: 500,
      secret: false,
      description: 'where people read your terms',
    }),
  ),
})

declare module 'fastify' {
  interface Settings {
    'sign-up': Static<typeof settings>
  }
}

export default settings
