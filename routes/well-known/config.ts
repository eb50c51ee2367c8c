import { type Static, Type } from 'typebox'

const CONTACT =
  '(https://[\\x21-\\x2b\\x2d-\\x7e]+|mailto:[\\x21-\\x2b\\x2d-\\x7e]+@[\\x21-\\x2b\\x2d-\\x7e]+|tel:\\+[0-9-]+)'

const settings = Type.Object({
  SECURITY_CONTACT: Type.Optional(
    Type.String({
      pattern: `^${CONTACT}( *, *${CONTACT})*$`,
      maxLength: 1000,
      secret: false,
      description:
        'addresses for reports of vulnerabilities, such as mailto:security@host.example or https://host.example/security, comma-separated',
    }),
  ),
})

declare module 'fastify' {
  interface Settings {
    'well-known': Static<typeof settings>
  }
}

export default settings
