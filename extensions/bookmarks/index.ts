import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import {
  BearerAuth,
  IdParams,
  NoContent,
  PageOf,
  PageQuery,
  problems,
  ref,
} from 'birdhouse/schemas'

export const kernel = '^0.3.0'

const bookmarks: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.put(
    '/tweets/:id/bookmark',
    {
      schema: {
        tags: ['bookmarks'],
        operationId: 'bookmarkTweet',
        summary: 'Bookmark a tweet',
        description: 'Idempotent. Bookmarking a retweet bookmarks its original.',
        security: BearerAuth,
        params: IdParams,
        response: { 204: NoContent, ...problems(401, 404) },
      },
    },
    async ({ viewer, params }, reply) => {
      await app.bookmarks.add(viewer.userId, params.id)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/tweets/:id/bookmark',
    {
      schema: {
        tags: ['bookmarks'],
        operationId: 'unbookmarkTweet',
        summary: 'Delete a bookmark',
        description: 'Idempotent.',
        security: BearerAuth,
        params: IdParams,
        response: { 204: NoContent, ...problems(401) },
      },
    },
    async ({ viewer, params }, reply) => {
      await app.bookmarks.remove(viewer.userId, params.id)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/bookmarks',
    {
      schema: {
        tags: ['bookmarks'],
        operationId: 'listBookmarks',
        summary: 'Your bookmarks, latest first',
        description: 'Only you can see them.',
        security: BearerAuth,
        querystring: PageQuery,
        response: { 200: PageOf(ref('Tweet')), ...problems(401) },
      },
    },
    async ({ viewer, query }, reply) =>
      reply.sendPage(await app.bookmarks.page(viewer.userId, query)),
  )
}

export default bookmarks
