import type { FastifyPluginAsyncTypebox, FastifyReply } from 'birdhouse'
import { Text } from 'birdhouse/schemas'
import { Type } from 'typebox'
import { CATEGORIES, reportedPage, reportPage } from '../pages/report.ts'
import { PersonParams, TweetParams } from '../schemas.ts'

const categories = Object.keys(CATEGORIES).map((name) => Type.Literal(name))
const Form = Type.Object({
  token: Type.Optional(Type.String({ maxLength: 100 })),
  category: Type.Union(categories),
  text: Type.Optional(Text({ maxLength: 4000 })),
})

/** Reports of people and tweets to the moderators. */
export const reports: FastifyPluginAsyncTypebox = async (app) => {
  const { forms, send } = app.web
  const title = 'Report'

  async function show(reply: FastifyReply, handle: string, tweetId?: number) {
    const { url, viewer } = reply.request
    const person = await app.users.getByHandle(handle, viewer.userId)
    const about = tweetId === undefined ? undefined : await app.tweets.get(tweetId, viewer.userId)
    const main = reportPage({ person, about }, { token: forms.field(reply), path: url })
    return send(reply, { title, main })
  }

  async function thank(reply: FastifyReply, handle: string) {
    const person = await app.users.getByHandle(handle, reply.request.viewer.userId)
    return send(reply, { title, main: reportedPage(person, forms.field(reply)) })
  }

  app.get(
    '/@:handle/report',
    { schema: { hide: true, params: PersonParams } },
    async ({ params }, reply) => show(reply, params.handle),
  )

  app.get(
    '/@:handle/:id/report',
    { schema: { hide: true, params: TweetParams } },
    async ({ params }, reply) => show(reply, params.handle, params.id),
  )

  app.post(
    '/@:handle/report',
    { schema: { hide: true, params: PersonParams, body: Form } },
    async (request, reply) => {
      const { params, viewer, body } = request
      forms.assertOwn(request, body.token)
      const { id } = await app.users.getByHandle(params.handle, viewer.userId)
      await app.moderation.report(viewer.userId, { kind: 'account', id, ...told(body) })
      return thank(reply, params.handle)
    },
  )

  app.post(
    '/@:handle/:id/report',
    { schema: { hide: true, params: TweetParams, body: Form } },
    async (request, reply) => {
      const { params, viewer, body } = request
      forms.assertOwn(request, body.token)
      const { id } = await app.tweets.get(params.id, viewer.userId)
      await app.moderation.report(viewer.userId, { kind: 'tweet', id, ...told(body) })
      return thank(reply, params.handle)
    },
  )
}

const told = ({ category, text }: { category: string; text?: string }) => ({ category, text })
