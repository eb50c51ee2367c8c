import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, IdParams, NoContent, PageOf, problems, ref } from 'birdhouse/schemas'
import { AppealAnswer, AppealsQuery, Closing, ReportsQuery } from './queue-schemas.ts'

export const queueRoutes: FastifyPluginAsyncTypebox = async (app) => {
  const moderators = { tags: ['moderation'], security: BearerAuth }
  app.addHook('onRequest', app.authenticate)
  app.addHook('onRequest', app.moderation.requireRole('moderator'))

  app.get(
    '/admin/reports',
    {
      schema: {
        ...moderators,
        operationId: 'listReports',
        summary: 'List open reports, oldest first, or closed reports, newest first',
        querystring: ReportsQuery,
        response: { 200: PageOf(ref('ModerationReport')), ...problems(401, 403) },
      },
    },
    async ({ query }, reply) => reply.sendPage(await app.moderation.reports(query, query)),
  )

  app.post(
    '/admin/reports/:id/close',
    {
      schema: {
        ...moderators,
        operationId: 'closeReport',
        summary: 'Close a report by an act, or by none',
        description: 'Closes all open reports of the same target.',
        params: IdParams,
        body: Closing,
        response: { 204: NoContent, ...problems(401, 403, 404, 409) },
      },
    },
    async ({ viewer, params, body }, reply) => {
      await app.moderation.closeReport(params.id, body, viewer.userId)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/admin/appeals',
    {
      schema: {
        ...moderators,
        operationId: 'listAppeals',
        summary: 'List open appeals, oldest first, or answered appeals, newest first',
        querystring: AppealsQuery,
        response: { 200: PageOf(ref('ModerationAppeal')), ...problems(401, 403) },
      },
    },
    async ({ query }, reply) => reply.sendPage(await app.moderation.appeals(query.state, query)),
  )

  app.post(
    '/admin/appeals/:id/answer',
    {
      schema: {
        ...moderators,
        operationId: 'answerAppeal',
        summary: 'Answer an appeal',
        description:
          'A granted appeal ends the limit or suspension. Removed tweets and pictures do not come back.',
        params: IdParams,
        body: AppealAnswer,
        response: { 204: NoContent, ...problems(401, 403, 404, 409) },
      },
    },
    async ({ viewer, params, body }, reply) => {
      await app.moderation.answerAppeal(params.id, body, viewer.userId)
      return reply.code(204).send(null)
    },
  )
}
