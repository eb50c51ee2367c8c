import type { FastifyInstance, FastifyRequest, Tx } from 'birdhouse'
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

export async function kindsAreDeclared(app: FastifyInstance, tx: Tx) {
  const parties = { userId: 1, actorId: 2 }
  await app.optional('notifications')?.emit(tx, 'like', { ...parties, tweetId: 3 })
  // @ts-expect-error a like is of a tweet
  await app.notifications.emit(tx, 'like', parties)
  // @ts-expect-error there is no such kind
  await app.notifications.emit(tx, 'lik', { ...parties, tweetId: 3 })
  // @ts-expect-error there is no such event
  await app.live.emit(tx, 'twet', { userId: 1, subjectId: 3 })
  const schema = Type.Object({ id: Type.Integer(), note: Type.String() })
  const read = async () => new Map([[1, { id: 1 }]])
  // @ts-expect-error a wave has a note
  app.live.addEvent('wave', { description: 'a wave', schema, read })
}

t.pass('it compiles')
