import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import authorize from './oauth/authorize.ts'
import token from './oauth/token.ts'

export const kernel = '^0.3.0'

/** Clients know these paths. */
export const prefixOverride = ''

const mastodon: FastifyPluginAsyncTypebox = async (app) => {
  app.dialect(app, {
    below: ['/api', '/oauth', '/nodeinfo'],
    error: ({ detail }) => ({ error: detail }),
  })
  app.addHook('onRequest', app.mastodon.tokens.authenticate)
  await app.register(authorize)
  await app.register(token)
}

export default mastodon
