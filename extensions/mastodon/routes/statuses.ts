import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { type Static, Type } from 'typebox'
import { IdParams, Ids, idIn, idsIn, sendStatus } from '../answers.ts'
import { NotFound, Unsupported } from '../errors.ts'
import { languageIn } from '../language.ts'
import { toId } from '../paging.ts'
import { toStatuses } from '../present/statuses.ts'

/** Statuses of a conversation above and below one. */
const THREAD = { ancestors: 40, replies: 100 }

const Draft = Type.Object({
  status: Type.Optional(Type.String({ maxLength: 5_000 })),
  in_reply_to_id: Type.Optional(Type.String()),
  media_ids: Type.Optional(Type.Array(Type.String(), { maxItems: 10 })),
  visibility: Type.Optional(Type.String()),
  spoiler_text: Type.Optional(Type.String()),
  sensitive: Type.Optional(Type.Boolean()),
  language: Type.Optional(Type.String({ maxLength: 100 })),
  scheduled_at: Type.Optional(Type.String()),
  poll: Type.Optional(Type.Unknown()),
  quoted_status_id: Type.Optional(Type.String()),
  quote_id: Type.Optional(Type.String()),
})
type Draft = Static<typeof Draft>

const statuses: FastifyPluginAsyncTypebox = async (app) => {
  const open = { config: { scope: 'read:statuses', isOpen: true }, schema: { params: IdParams } }

  app.post(
    '/api/v1/statuses',
    { config: { scope: 'write:statuses', idempotent: true }, schema: { body: Draft } },
    async (request) => {
      const { userId } = request.viewer
      const { body } = request
      const language = body.language || (await app.mastodon.profiles.of(userId)).language
      const draft = toDraft({ ...body, ...(language && { language }) })
      const prepared = await app.tweets.prepare({ ...draft, authorId: userId })
      const { id } = await request.runOnce(async (tx) => {
        const tweet = await app.tweets.write(prepared, tx)
        return { id: tweet.id }
      })
      return sendStatus(app, request, id)
    },
  )

  app.get('/api/v1/statuses', { ...open, schema: { querystring: Ids } }, async (request) => {
    const ids = idsIn(request.query)
    const found = await app.tweets.byIds(ids, request.viewerId)
    return toStatuses(
      app,
      request,
      ids.flatMap((id) => found.get(id) ?? []),
    )
  })

  app.get('/api/v1/statuses/:id', open, async (request) =>
    sendStatus(app, request, idIn(request.params)),
  )

  app.get('/api/v1/statuses/:id/source', open, async (request) => {
    const id = idIn(request.params)
    const tweet = await app.tweets.get(id, request.viewerId)
    if (tweet.text === null) throw new NotFound()
    return { id: String(id), text: tweet.text, spoiler_text: '' }
  })

  // Nothing is edited, so each status has one version.
  app.get('/api/v1/statuses/:id/history', open, async (request) => {
    const status = await sendStatus(app, request, idIn(request.params))
    const { content, spoiler_text, sensitive, created_at, account, media_attachments, emojis } =
      status
    return [{ content, spoiler_text, sensitive, created_at, account, media_attachments, emojis }]
  })

  app.get('/api/v1/statuses/:id/context', open, async (request) => {
    const id = idIn(request.params)
    const thread = await app.tweets.thread(id, THREAD, request.viewerId)
    if ((thread.tweet.retweetOf ?? thread.tweet).deleted) throw new NotFound()
    const statuses = await toStatuses(app, request, [...thread.ancestors, ...thread.replies])
    const found = new Map(statuses.map((status) => [status.id, status]))
    const shown = (tweets: { id: number }[]) =>
      tweets.flatMap(({ id }) => found.get(String(id)) ?? [])
    return { ancestors: shown(thread.ancestors), descendants: shown(thread.replies) }
  })

  app.delete(
    '/api/v1/statuses/:id',
    { config: { scope: 'write:statuses' }, schema: { params: IdParams } },
    async (request) => {
      const id = idIn(request.params)
      const { userId } = request.viewer
      const tweet = (await app.tweets.byIds([id], userId)).get(id)
      if (!tweet || tweet.author?.id !== userId) throw new NotFound()
      const status = await sendStatus(app, request, id)
      await app.tweets.remove(id, userId)
      // Clients put the text into the form for "delete and write again".
      return { ...status, text: tweet.text ?? '' }
    },
  )
}

/** Refuses what would be shown to more people, or otherwise, than the author wants. @throws Unsupported */
function toDraft({ status = '', in_reply_to_id, media_ids = [], ...more }: Draft) {
  const refuse = (what: string) => {
    throw new Unsupported(`${what} This server has public posts without them.`)
  }
  if (more.visibility && more.visibility !== 'public')
    refuse(`The visibility ${more.visibility} is not supported: only public posts are.`)
  if (more.spoiler_text || more.sensitive) refuse('Content warnings are not supported.')
  if (Object.keys(Object(more.poll)).length > 0) refuse('Polls are not supported.')
  if (more.quoted_status_id || more.quote_id) refuse('Quotes are not supported.')
  if (more.scheduled_at) refuse('Scheduled posts are not supported.')
  const replyToId = toId(in_reply_to_id)
  if (in_reply_to_id && replyToId === undefined) throw new NotFound()
  const mediaIds = media_ids.map((id) => toId(id) ?? 0)
  const language = languageIn(more.language)
  return {
    text: status,
    mediaIds,
    ...(replyToId !== undefined && { replyToId }),
    ...(language !== undefined && { language }),
  }
}

export default statuses
