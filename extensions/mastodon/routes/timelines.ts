import type { FastifyPluginAsyncTypebox, PageRequest } from 'birdhouse'
import { and, gt, isNull } from 'drizzle-orm'
import { Type } from 'typebox'
import { sendStatuses } from '../answers.ts'
import { pageQuery, toPageRequest } from '../paging.ts'

const USUAL = 20
const NOTHING = { items: [], nextCursor: null }

const Query = Type.Object({
  ...pageQuery,
  only_media: Type.Optional(Type.Boolean()),
  remote: Type.Optional(Type.Boolean()),
})

const timelines: FastifyPluginAsyncTypebox = async (app) => {
  const { tweets } = app.tables
  const [bookmarks, hashtags] = [app.optional('bookmarks'), app.optional('hashtags')]
  const personal = (scope: string) => ({ config: { scope }, schema: { querystring: Query } })
  const open = {
    config: { scope: 'read:statuses', isOpen: true },
    schema: { querystring: Query },
  }

  app.get('/api/v1/timelines/home', personal('read:statuses'), async (request, reply) => {
    const page = await app.timeline.page(request.viewer.userId, toPageRequest(request.query, USUAL))
    return sendStatuses(app, request, reply, page)
  })

  app.get('/api/v1/timelines/public', open, async (request, reply) => {
    const { query, viewerId } = request
    // There are no other servers.
    if (query.remote) return []
    const withMedia = query.only_media ? gt(tweets.mediaCount, 0) : undefined
    const where = and(isNull(tweets.retweetOfId), withMedia)
    const page = await app.tweets.page('tweets', where, toPageRequest(query, USUAL), viewerId)
    return sendStatuses(app, request, reply, page)
  })

  app.get(
    '/api/v1/timelines/tag/:tag',
    { ...open, schema: { ...open.schema, params: Type.Object({ tag: Type.String() }) } },
    async (request, reply) => {
      const { params, query, viewerId } = request
      const asked = toPageRequest(query, USUAL)
      const page = query.remote ? NOTHING : await hashtags?.page(params.tag, asked, viewerId)
      return sendStatuses(app, request, reply, page ?? NOTHING)
    },
  )

  app.get('/api/v1/favourites', personal('read:favourites'), async (request, reply) => {
    const { userId } = request.viewer
    const page = await app.tweets.likedBy(userId, toPageRequest(request.query, USUAL), userId)
    return sendStatuses(app, request, reply, page)
  })

  app.get('/api/v1/bookmarks', personal('read:bookmarks'), async (request, reply) => {
    const asked: PageRequest = toPageRequest(request.query, USUAL)
    const page = (await bookmarks?.page(request.viewer.userId, asked)) ?? NOTHING
    return sendStatuses(app, request, reply, page)
  })
}

export default timelines
