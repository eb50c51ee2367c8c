import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, problems } from 'birdhouse/schemas'
import { TimelinePage, TimelineQuery } from './schemas.ts'

const timeline: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.get(
    '/timeline',
    {
      schema: {
        tags: ['timeline'],
        operationId: 'getTimeline',
        summary: 'Your home timeline',
        description:
          'Tweets, replies and retweets by you and the users you follow, newest first. A page shows each original once. `since` returns what is newer than a cursor.',
        security: BearerAuth,
        querystring: TimelineQuery,
        response: { 200: TimelinePage, ...problems(401) },
      },
    },
    async ({ viewer, query }, reply) =>
      reply.sendPage(await app.timeline.page(viewer.userId, query)),
  )
}

export default timeline
