import type { FastifyInstance, FastifyPluginAsyncTypebox } from 'birdhouse'
import { type Static, Type } from 'typebox'
import { LONGEST_PATH, ownPath } from '../own-path.ts'
import { deletionPage } from '../pages/deletion.ts'
import { pathOf } from '../pages/tweet.ts'
import { IdParams, PersonParams } from '../schemas.ts'

const Form = Type.Object({
  token: Type.Optional(Type.String({ maxLength: 100 })),
  return_to: Type.Optional(Type.String({ maxLength: LONGEST_PATH })),
  up_to: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,15}$' })),
})
type Form = Static<typeof Form>
const RELATIONS = ['follow', 'unfollow', 'block', 'unblock', 'mute', 'unmute'] as const

/** Buttons: each form leads back to the page that it was on. */
export const acts: FastifyPluginAsyncTypebox = async (app) => {
  const { forms, send } = app.web
  const notifications = app.optional('notifications')
  const schema = { hide: true, body: Form }

  // Before a handler acts.
  app.addHook('preHandler', async (request) => {
    if (request.method === 'POST') forms.assertOwn(request, (request.body as Form).token)
  })

  for (const [name, act] of Object.entries(actsOnTweets(app))) {
    app.post(
      `/tweets/:id/${name}`,
      { schema: { ...schema, params: IdParams } },
      async ({ body, params, viewer }, reply) => {
        await act(params.id, viewer.userId)
        return reply.redirect(ownPath(body.return_to), 303)
      },
    )
  }

  for (const name of RELATIONS) {
    app.post(
      `/@:handle/${name}`,
      { schema: { ...schema, params: PersonParams } },
      async ({ body, params, viewer }, reply) => {
        const { id } = await app.users.getByHandle(params.handle, viewer.userId)
        await app.graph[name](viewer.userId, id)
        return reply.redirect(ownPath(body.return_to), 303)
      },
    )
  }

  app.get(
    '/tweets/:id/delete',
    { schema: { hide: true, params: IdParams } },
    async ({ params, viewer }, reply) => {
      const tweet = await app.tweets.get(params.id, viewer.userId)
      if (tweet.author?.id !== viewer.userId) return reply.redirect(pathOf(tweet), 303)
      const main = deletionPage(tweet, forms.field(reply))
      return send(reply, { title: 'Delete this tweet?', main })
    },
  )

  app.post(
    '/tweets/:id/delete',
    { schema: { ...schema, params: IdParams } },
    async ({ params, viewer }, reply) => {
      await app.tweets.remove(params.id, viewer.userId)
      return reply.redirect('/', 303)
    },
  )

  app.post('/notifications/read', { schema }, async ({ body, viewer }, reply) => {
    await notifications?.markRead(viewer.userId, body.up_to ? Number(body.up_to) : undefined)
    return reply.redirect('/notifications', 303)
  })
}

type Act = (id: number, userId: number) => Promise<unknown>

function actsOnTweets(app: FastifyInstance): Record<string, Act> {
  const bookmarks = app.optional('bookmarks')
  return {
    like: (...of) => app.tweets.like(...of),
    unlike: (...of) => app.tweets.unlike(...of),
    retweet: (...of) => app.tweets.retweet(...of),
    'undo-retweet': (...of) => app.tweets.undoRetweet(...of),
    ...(bookmarks && {
      bookmark: (id, userId) => bookmarks.add(userId, id),
      unbookmark: (id, userId) => bookmarks.remove(userId, id),
    }),
  }
}
