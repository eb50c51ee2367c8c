import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { and, eq, gt, isNull } from 'drizzle-orm'
import { Type } from 'typebox'
import { IdParams, idIn, sendAccounts, sendStatuses } from '../answers.ts'
import { domainOf, originOf } from '../origin.ts'
import { pageQuery, toId, toPageRequest } from '../paging.ts'
import { createPeople } from '../people.ts'
import { toAccount, toRelationship } from '../present/accounts.ts'
import { accountsOf } from '../present/statuses.ts'

const ACCOUNTS = 40
const STATUSES = 20
const flag = Type.Optional(Type.Boolean())

const accounts: FastifyPluginAsyncTypebox = async (app) => {
  const { tweets } = app.tables
  const people = createPeople(app)
  const open = (scope: string) => ({ config: { scope, isOpen: true } })
  const params = IdParams

  app.get(
    '/api/v1/accounts/lookup',
    {
      ...open('read:accounts'),
      schema: { querystring: Type.Object({ acct: Type.String({ maxLength: 300 }) }) },
    },
    async (request) => {
      const handle = people.handleIn(request.query.acct, domainOf(app, request))
      const user = await app.users.getByHandle(handle, request.viewerId)
      return toAccount(app, user, originOf(app, request))
    },
  )

  app.get(
    '/api/v1/accounts/search',
    {
      config: { scope: 'read:accounts' },
      schema: {
        querystring: Type.Object({
          ...pageQuery,
          q: Type.String({ maxLength: 300 }),
          following: flag,
        }),
      },
    },
    async (request) => {
      const { q, limit = ACCOUNTS, following = false } = request.query
      const by = { viewerId: request.viewerId, limit: Math.min(limit, ACCOUNTS), following }
      const ids = await people.search(q, domainOf(app, request), by)
      const found = await accountsOf(app, request, ids)
      return ids.flatMap((id) => found.get(id) ?? [])
    },
  )

  app.get(
    '/api/v1/accounts/relationships',
    {
      config: { scope: 'read:follows' },
      schema: {
        querystring: Type.Object({
          id: Type.Optional(Type.Array(Type.String(), { maxItems: 200 })),
        }),
      },
    },
    async ({ query, viewer }) => {
      const ids = (query.id ?? []).flatMap((id) => toId(id) ?? [])
      const found = await app.users.profilesOf(ids, viewer.userId)
      return ids.map((id) => toRelationship(id, found.get(id)))
    },
  )

  app.get(
    '/api/v1/accounts/:id',
    { ...open('read:accounts'), schema: { params } },
    async (request) =>
      toAccount(
        app,
        await app.users.get(idIn(request.params), request.viewerId),
        originOf(app, request),
      ),
  )

  app.get(
    '/api/v1/accounts/:id/statuses',
    {
      ...open('read:statuses'),
      schema: {
        params,
        querystring: Type.Object({
          ...pageQuery,
          exclude_replies: flag,
          exclude_reblogs: flag,
          only_media: flag,
          pinned: flag,
          tagged: Type.Optional(Type.String()),
        }),
      },
    },
    async (request, reply) => {
      const { query, viewerId } = request
      const id = idIn(request.params)
      await app.users.get(id, viewerId)
      // Nothing is pinned, and a list by author and tag does not exist.
      if (query.pinned || query.tagged) return []
      const where = and(
        eq(tweets.authorId, id),
        query.exclude_replies ? isNull(tweets.replyToId) : undefined,
        query.exclude_reblogs ? isNull(tweets.retweetOfId) : undefined,
        query.only_media ? gt(tweets.mediaCount, 0) : undefined,
      )
      const asked = toPageRequest(query, STATUSES)
      const page = await app.tweets.page(`tweets-by:${id}`, where, asked, viewerId)
      return sendStatuses(app, request, reply, page)
    },
  )

  const lists = {
    '/api/v1/accounts/:id/followers': app.graph.followers,
    '/api/v1/accounts/:id/following': app.graph.followees,
    '/api/v1/statuses/:id/favourited_by': app.graph.likers,
    '/api/v1/statuses/:id/reblogged_by': app.graph.retweeters,
  }
  for (const [path, list] of Object.entries(lists)) {
    app.get(
      path,
      { ...open('read:accounts'), schema: { params, querystring: Type.Object(pageQuery) } },
      async (request, reply) => {
        const { query, viewerId } = request
        const given = idIn(request.params)
        const isOfStatus = path.includes('statuses')
        const id = isOfStatus ? await app.tweets.listedId(given, viewerId) : given
        if (!isOfStatus) await app.users.get(id, viewerId)
        const page = await list(id, toPageRequest(query, ACCOUNTS), viewerId)
        return sendAccounts(app, request, reply, page)
      },
    )
  }
}

export default accounts
