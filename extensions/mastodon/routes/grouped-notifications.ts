import type { FastifyInstance, FastifyPluginAsyncTypebox, PageRequest } from 'birdhouse'
import { Type } from 'typebox'
import { sendAccounts } from '../answers.ts'
import { NotFound } from '../errors.ts'
import { link, pageQuery, toId, toPageRequest } from '../paging.ts'
import { type Cause, type Group, isGrouped, kindsOf, toGroups } from '../present/notifications.ts'
import { types } from './notifications.ts'

const USUAL = 40
/** Unread groups are counted up to this number, and at most up to the second. */
const COUNTED = { usual: 100, most: 1_000 }

/** Nobody's notifications are held back. */
const POLICY = {
  for_not_following: 'accept',
  for_not_followers: 'accept',
  for_new_accounts: 'accept',
  for_private_mentions: 'accept',
  for_limited_accounts: 'accept',
  summary: { pending_requests_count: 0, pending_notifications_count: 0 },
}

const KeyParams = Type.Object({ key: Type.String({ maxLength: 100 }) })
const expand_accounts = Type.Optional(Type.String())

/** The second version of notifications: Birdhouse's own groups. */
const groupedNotifications: FastifyPluginAsyncTypebox = async (app) => {
  const service = app.optional('notifications')
  const { page, byKey, dismiss } = createGroups(app)
  const config = { scope: 'read:notifications' }
  const params = KeyParams
  const wanted = { types, exclude_types: types, grouped_types: types }

  app.get(
    '/api/v2/notifications',
    { config, schema: { querystring: Type.Object({ ...pageQuery, ...wanted, expand_accounts }) } },
    async (request, reply) => {
      const { query, viewer } = request
      const asked = toPageRequest(query, USUAL)
      const found = await page(viewer.userId, asked, kindsOf(query), query.grouped_types)
      link(app, request, reply, found)
      return toGroups(app, request, found.items, query.expand_accounts)
    },
  )

  app.get(
    '/api/v2/notifications/unread_count',
    {
      config,
      schema: {
        querystring: Type.Object({
          ...wanted,
          limit: Type.Optional(Type.Integer({ minimum: 1 })),
        }),
      },
    },
    async ({ query, viewer }) => {
      const limit = Math.min(query.limit ?? COUNTED.usual, COUNTED.most)
      const counted = { of: kindsOf(query), limit }
      return { count: (await service?.unreadCount(viewer.userId, counted)) ?? 0 }
    },
  )

  app.get('/api/v2/notifications/policy', { config }, async () => POLICY)

  app.get(
    '/api/v2/notifications/:key',
    { config, schema: { params, querystring: Type.Object({ expand_accounts }) } },
    async (request) => {
      const item = await byKey(request.params.key, request.viewer.userId)
      const shown = await toGroups(app, request, [item], request.query.expand_accounts)
      if (shown.notification_groups.length === 0) throw new NotFound()
      return shown
    },
  )

  app.get(
    '/api/v2/notifications/:key/accounts',
    { config, schema: { params, querystring: Type.Object(pageQuery) } },
    async (request, reply) => {
      const { viewer, query } = request
      const item = await byKey(request.params.key, viewer.userId)
      const page = await peopleOf(item, toPageRequest(query, USUAL), viewer.userId)
      return sendAccounts(app, request, reply, page)
    },
  )

  app.post(
    '/api/v2/notifications/:key/dismiss',
    { config: { scope: 'write:notifications' }, schema: { params } },
    async ({ params, viewer }) => {
      await dismiss(params.key, viewer.userId)
      return {}
    },
  )

  async function peopleOf(item: Group | Cause, request: PageRequest, userId: number) {
    const one = { items: 'actorId' in item ? [{ id: item.actorId }] : [], nextCursor: null }
    return 'actorId' in item || !service ? one : service.people(userId, item.id, request)
  }
}

function createGroups(app: FastifyInstance) {
  const service = app.optional('notifications')

  /** A page of groups; causes whose type the client does not group are one each among them. */
  async function page(userId: number, request: PageRequest, kinds: string[], grouped?: string[]) {
    const ofGrouped = grouped ? kindsOf({ types: grouped }) : kinds
    const single = kinds.filter((kind) => isGrouped(kind) && !ofGrouped.includes(kind))
    const of = kinds.filter((kind) => !single.includes(kind))
    const pages = await Promise.all([
      of.length > 0 ? service?.page(userId, { ...request, of }) : undefined,
      single.length > 0 ? service?.causes(userId, { ...request, of: single }) : undefined,
    ])
    return merge(
      pages.flatMap((one) => one ?? []),
      request,
    )
  }

  type Page = { items: (Group | Cause)[]; nextCursor: string | null }

  function merge(pages: Page[], { limit, ascending }: PageRequest) {
    const all = pages.flatMap(({ items }) => items).sort((a, b) => positionOf(b) - positionOf(a))
    const items = ascending ? all.slice(-limit) : all.slice(0, limit)
    const last = items.at(-1)
    const isMore = items.length < all.length || pages.some(({ nextCursor }) => nextCursor !== null)
    const nextCursor = last && isMore ? app.pages.encodeCursor('groups', positionOf(last)) : null
    return { items, nextCursor, newest: items[0] && positionOf(items[0]) }
  }

  /** @throws NotFound */
  async function byKey(key: string, userId: number) {
    const { isCause, id } = idOf(key)
    const item = await (isCause ? service?.cause(id, userId) : service?.get(id, userId))
    if (!item) throw new NotFound()
    return item
  }

  /** @throws NotFound */
  async function dismiss(key: string, userId: number) {
    const { isCause, id } = idOf(key)
    const isDone = isCause ? service?.dismissCause(id, userId) : service?.dismiss(id, userId)
    if (!(await isDone)) throw new NotFound()
  }

  return { page, byKey, dismiss }
}

const positionOf = (item: Group | Cause) => ('actorId' in item ? item.id : item.latestId)

function idOf(key: string) {
  const [, type, digits] = /^([a-z]+)-(\d+)$/.exec(key) ?? []
  const id = toId(digits)
  if (id === undefined) throw new NotFound()
  return { isCause: type === 'ungrouped', id }
}

export default groupedNotifications
