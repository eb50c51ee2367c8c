import { type Static, Type } from 'typebox'

const settings = Type.Object({
  ACCOUNT_PAGE_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^?#\\s]+$',
      maxLength: 500,
      secret: false,
      description: 'a page of your app to which mails link, such as https://app.example/account',
    }),
  ),
})

declare module 'fastify' {
  interface Settings {
    'account-mail': Static<typeof settings>
  }
}

export default settings
