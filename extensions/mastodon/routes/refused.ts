import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { Unsupported } from '../answers.ts'

const NO_TAGS = 'Hashtags cannot be followed here.'

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
}

export default refused
