import type { FastifyInstance, FastifyPluginAsyncTypebox, FastifyRequest } from 'birdhouse'
import { Type } from 'typebox'
import { IdParams, idIn, NotFound } from '../answers.ts'
import { link, pageQuery, toPageRequest } from '../paging.ts'
import { accountsOf, toStatuses } from '../present/statuses.ts'

const USUAL = 40

/** Mastodon's types by Birdhouse's kinds. A reply is a mention there. */
const TYPES = new Map([
  ['like', 'favourite'],
  ['retweet', 'reblog'],
  ['follow', 'follow'],
  ['reply', 'mention'],
  ['mention', 'mention'],
])

const types = Type.Optional(Type.Array(Type.String(), { maxItems: 50 }))

const notifications: FastifyPluginAsyncTypebox = async (app) => {
  const service = app.optional('notifications')
  const config = { scope: 'read:notifications' }

  app.get(
    '/api/v1/notifications',
    {
      config,
      schema: { querystring: Type.Object({ ...pageQuery, types, exclude_types: types }) },
    },
    async (request, reply) => {
      const { query, viewer } = request
      const { types: wanted, exclude_types: unwanted = [] } = query
      const of = [...TYPES]
        .filter(([, type]) => (wanted?.includes(type) ?? true) && !unwanted.includes(type))
        .map(([kind]) => kind)
      const page = await service?.causes(viewer.userId, { ...toPageRequest(query, USUAL), of })
      if (!page) return []
      link(app, request, reply, page)
      return toNotifications(app, request, page.items)
    },
  )

  app.get('/api/v1/notifications/unread_count', { config }, async ({ viewer }) => ({
    count: (await service?.unreadCount(viewer.userId)) ?? 0,
  }))

  app.get(
    '/api/v1/notifications/:id',
    { config, schema: { params: IdParams } },
    async (request) => {
      const item = await service?.cause(idIn(request.params), request.viewer.userId)
      const [shown] = item ? await toNotifications(app, request, [item]) : []
      if (!shown) throw new NotFound()
      return shown
    },
  )
}

type Service = NonNullable<FastifyInstance['notifications']>
type Item = Awaited<ReturnType<Service['causes']>>['items'][number]

export async function toNotifications(
  app: FastifyInstance,
  request: FastifyRequest,
  items: Item[],
) {
  const tweets = items.flatMap(({ tweet }) => tweet ?? [])
  const [accounts, statuses] = await Promise.all([
    accountsOf(
      app,
      request,
      items.map(({ actorId }) => actorId),
    ),
    toStatuses(app, request, tweets),
  ])
  const byId = new Map(statuses.map((status) => [status.id, status]))
  return items.flatMap(({ id, kind, actorId, tweet, createdAt }) => {
    const type = TYPES.get(kind)
    const account = accounts.get(actorId)
    const status = tweet && byId.get(String(tweet.id))
    if (!type || !account || (tweet && !status)) return []
    const about = status ? { status } : {}
    return [
      {
        id: String(id),
        type,
        created_at: createdAt,
        group_key: `ungrouped-${id}`,
        account,
        ...about,
      },
    ]
  })
}

export default notifications
