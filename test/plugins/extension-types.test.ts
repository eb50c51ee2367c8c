import type { FastifyInstance, FastifyRequest } from 'birdhouse'
import t from 'tap'
import { Type } from 'typebox'

// The compiler checks these; nothing here runs.

export function viewerIsReadOnly(request: FastifyRequest) {
  // @ts-expect-error a viewer comes from the access token
  request.viewer = { userId: 1, sessionId: 1 }
  // @ts-expect-error and so does its id
  request.viewerId = 1
}

export function itemsAreResources(app: FastifyInstance) {
  const schema = Type.Optional(Type.Number())
  app.resources.addField(['TweetBody', 'Tweet'], 'words', {
    schema,
    read: async (_ids, { items }) =>
      new Map(items.map(({ id, text, author }) => [id, (text ?? author?.name ?? '').length])),
  })
  app.resources.addField(['User'], 'letters', {
    schema,
    // @ts-expect-error a user has no text
    read: async (_ids, { items }) => new Map(items.map(({ id, text }) => [id, text.length])),
  })
  // @ts-expect-error there is no such resource
  app.resources.addField(['Twet'], 'words', { schema, read: async () => new Map() })
}

t.pass('it compiles')
