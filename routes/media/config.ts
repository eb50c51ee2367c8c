import { type Static, Type } from 'typebox'

const settings = Type.Object({
  MEDIA_QUOTA_MB: Type.Integer({
    minimum: 1,
    // A petabyte, which a sum of bytes represents exactly.
    maximum: 1_000_000_000,
    default: 2_000,
    description: 'how many megabytes the pictures of an account may take, as they are stored',
  }),
})

declare module 'fastify' {
  interface Settings {
    media: Static<typeof settings>
  }
}

export default settings
