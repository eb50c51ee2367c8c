import { type Static, Type } from 'typebox'

const settings = Type.Object({
  RESERVED_HANDLES: Type.String({
    default: '',
    pattern: '^[a-z0-9_, ]*$',
    secret: false,
    description: 'handles that nobody may take, besides those of operators, comma-separated',
  }),
})

declare module 'fastify' {
  interface Settings {
    users: Static<typeof settings>
  }
}

export default settings
