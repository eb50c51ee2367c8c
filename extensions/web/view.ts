import type { FastifyInstance, FastifyReply } from 'birdhouse'
import { ownPath } from './own-path.ts'
import type { View } from './pages/tweet.ts'

/** Values for the pages of a person who is signed in; undefined for a stranger. */
export function viewOf(app: FastifyInstance, reply: FastifyReply): View | undefined {
  const { viewerId, url } = reply.request
  if (viewerId === undefined) return undefined
  return { viewerId, token: app.web.forms.field(reply), here: ownPath(url) }
}
