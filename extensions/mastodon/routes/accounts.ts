import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { Type } from 'typebox'
import { IdParams, Ids, idIn, idsIn, sendAccounts } from '../answers.ts'
import { domainOf, originOf } from '../origin.ts'
import { pageQuery, toPageRequest } from '../paging.ts'
import { createPeople } from '../people.ts'
import { accountOf, toRelationship } from '../present/accounts.ts'
import { accountsOf } from '../present/statuses.ts'

const ACCOUNTS = 40
const flag = Type.Optional(Type.Boolean())

const accounts: FastifyPluginAsyncTypebox = async (app) => {
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
      return accountOf(app, request, await app.users.getByHandle(handle, request.viewerId))
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
          offset: Type.Optional(Type.Integer({ minimum: 0 })),
          following: flag,
        }),
      },
    },
    async (request) => {
      const { q, limit = ACCOUNTS, offset = 0, following = false } = request.query
      const { viewerId } = request
      const by = { viewerId, limit: Math.min(limit, ACCOUNTS), offset, following }
      const ids = await people.search(q.trim(), originOf(app, request), by)
      const found = await accountsOf(app, request, ids)
      return ids.flatMap((id) => found.get(id) ?? [])
    },
  )

  app.get(
    '/api/v1/accounts',
    { ...open('read:accounts'), schema: { querystring: Ids } },
    async (request) => {
      const ids = idsIn(request.query)
      const found = await accountsOf(app, request, ids)
      return ids.flatMap((id) => found.get(id) ?? [])
    },
  )

  app.get(
    '/api/v1/accounts/relationships',
    { config: { scope: 'read:follows' }, schema: { querystring: Ids } },
    async ({ query, viewer }) => {
      const ids = idsIn(query)
      const found = await app.users.profilesOf(ids, viewer.userId)
      return ids.map((id) => toRelationship(id, found.get(id)))
    },
  )

  // The service does not tell which of one's followees follow them.
  app.get(
    '/api/v1/accounts/familiar_followers',
    { config: { scope: 'read:follows' }, schema: { querystring: Ids } },
    async ({ query }) => idsIn(query).map((id) => ({ id: String(id), accounts: [] })),
  )

  app.get(
    '/api/v1/accounts/:id',
    { ...open('read:accounts'), schema: { params } },
    async (request) =>
      accountOf(app, request, await app.users.get(idIn(request.params), request.viewerId)),
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
