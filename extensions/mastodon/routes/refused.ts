import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { Unsupported } from '../errors.ts'
import { originOf } from '../origin.ts'

const NO_TAGS = 'Hashtags cannot be followed here.'
const NO_FILTERS = 'Words cannot be filtered here: mute the hashtag or the person.'
const NO_POLICY = 'Notifications of all people are shown here: mute or block the person.'
const NO_PUSH = 'This server sends no push notifications.'

/** Acts that Birdhouse lacks, in the words that apps show. */
const REFUSED = [
  [
    'PUT',
    '/api/v1/statuses/:id',
    'write:statuses',
    'A post cannot be edited here: delete it and write it again.',
  ],
  ['POST', '/api/v1/statuses/:id/pin', 'write:accounts', 'Posts cannot be pinned here.'],
  ['POST', '/api/v1/statuses/:id/unpin', 'write:accounts', 'Posts cannot be pinned here.'],
  [
    'POST',
    '/api/v1/statuses/:id/mute',
    'write:mutes',
    'Conversations cannot be muted here: mute the person.',
  ],
  ['POST', '/api/v1/statuses/:id/unmute', 'write:mutes', 'Conversations cannot be muted here.'],
  ['POST', '/api/v1/accounts/:id/note', 'write:accounts', 'Notes on people are not kept here.'],
  ['POST', '/api/v1/accounts/:id/pin', 'write:accounts', 'People cannot be featured here.'],
  ['POST', '/api/v1/accounts/:id/endorse', 'write:accounts', 'People cannot be featured here.'],
  ['POST', '/api/v1/filters', 'write:filters', NO_FILTERS],
  ['POST', '/api/v2/filters', 'write:filters', NO_FILTERS],
  ['POST', '/api/v1/lists', 'write:lists', 'There are no lists here.'],
  ['POST', '/api/v1/push/subscription', 'push', NO_PUSH],
  ['PUT', '/api/v1/push/subscription', 'push', NO_PUSH],
  ['PUT', '/api/v2/notifications/policy', 'write:notifications', NO_POLICY],
  ['PATCH', '/api/v2/notifications/policy', 'write:notifications', NO_POLICY],
  ['POST', '/api/v1/tags/:name/follow', 'write:follows', NO_TAGS],
  ['POST', '/api/v1/tags/:name/unfollow', 'write:follows', NO_TAGS],
] as const

const refused: FastifyPluginAsyncTypebox = async (app) => {
  for (const [method, url, scope, words] of REFUSED)
    app.route({
      method,
      url,
      config: { scope },
      handler: async () => {
        throw new Unsupported(words)
      },
    })

  app.post('/api/v1/accounts', async (request) => {
    throw new Unsupported(`People sign up on the page ${originOf(app, request)}/join.`)
  })
}

export default refused
