import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { Type } from 'typebox'
import { originOf } from '../origin.ts'
import { toId } from '../paging.ts'
import { createPeople } from '../people.ts'
import { accountsOf, toStatuses } from '../present/statuses.ts'

const MOST = 40
/** Milliseconds. */
const DAY = 86_400_000

/** Accounts by the beginning of the handle, a hashtag by its name, a status by its address here. */
const search: FastifyPluginAsyncTypebox = async (app) => {
  const people = createPeople(app)

  app.get(
    '/api/v2/search',
    {
      config: { scope: 'read:search', isOpen: true },
      schema: {
        querystring: Type.Object({
          q: Type.String({ maxLength: 1_000 }),
          type: Type.Optional(Type.String()),
          limit: Type.Optional(Type.Integer({ minimum: 0 })),
          offset: Type.Optional(Type.Integer({ minimum: 0 })),
          following: Type.Optional(Type.Boolean()),
        }),
      },
    },
    async (request) => {
      const { type, limit = MOST / 2, offset = 0, following = false } = request.query
      const { viewerId } = request
      const q = request.query.q.trim()
      const origin = originOf(app, request)
      const isOf = (kind: string) => type === undefined || type === kind
      const wants = (kind: string) => offset === 0 && isOf(kind)
      const by = { viewerId, limit: Math.min(limit, MOST), offset, following }
      const ids = isOf('accounts') && !q.startsWith('#') ? await people.search(q, origin, by) : []
      const found = await accountsOf(app, request, ids)
      const id = wants('statuses') ? statusIn(q, origin) : undefined
      const tweets = id === undefined ? [] : [...(await app.tweets.byIds([id], viewerId)).values()]
      const [, tag] = /^#?([\p{L}\p{N}_]{1,100})$/u.exec(q) ?? []
      return {
        accounts: ids.flatMap((one) => found.get(one) ?? []),
        statuses: await toStatuses(app, request, tweets),
        hashtags: wants('hashtags') && tag ? [toTag(tag, origin)] : [],
      }
    },
  )
}

/** The hashtags that most people used in the last 24 hours. */
export const trends: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(tag)
  const hashtags = app.optional('hashtags')
  const number = Type.Optional(Type.Integer({ minimum: 0 }))
  const schema = { querystring: Type.Object({ limit: number, offset: number }) }
  for (const path of ['/api/v1/trends', '/api/v1/trends/tags']) {
    app.get(path, { schema }, async (request) => {
      const { limit = MOST / 4, offset = 0 } = request.query
      const found = await hashtags?.trending(MOST / 2)
      const day = String(Math.floor(Date.now() / DAY) * (DAY / 1000))
      return (found?.items ?? []).slice(offset, offset + limit).map(({ tag, authors }) =>
        // Mastodon also shows how often a tag was used; each person counts once here.
        toTag(tag, originOf(app, request), [
          { day, accounts: String(authors), uses: String(authors) },
        ]),
      )
    })
  }
}

/** A hashtag, which apps ask for before they show its list. */
const tag: FastifyPluginAsyncTypebox = async (app) => {
  const schema = { params: Type.Object({ name: Type.String({ minLength: 1, maxLength: 100 }) }) }
  app.get('/api/v1/tags/:name', { schema }, async (request) =>
    toTag(request.params.name, originOf(app, request)),
  )
}

function statusIn(text: string, origin: string) {
  const [, id] = text.startsWith(`${origin}/`) ? (/\/@\w+\/(\d+)$/.exec(text) ?? []) : []
  return toId(id)
}

const toTag = (name: string, origin: string, history: object[] = []) => ({
  name,
  url: `${origin}/tags/${encodeURIComponent(name)}`,
  history,
  following: false,
})

export default search
