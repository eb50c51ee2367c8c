import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, IdParams, NoContent, PageOf, PageQuery, problems } from 'birdhouse/schemas'
import {
  Appeal,
  MadeReport,
  NewReport,
  OwnAct,
  OwnReport,
  SuspensionAppeal,
} from './queue-schemas.ts'

const tags = ['moderation']

export const ownRoutes: FastifyPluginAsyncTypebox = async (app) => {
  const signedIn = { tags, security: BearerAuth }
  app.addHook('onRequest', app.authenticate)

  app.post(
    '/reports',
    {
      schema: {
        ...signedIn,
        operationId: 'report',
        summary: 'Report an account, a tweet or a picture',
        description:
          'A report of the same target is the same report while it is open. Blocks between you and the account do not matter.',
        body: NewReport,
        response: { 201: MadeReport, ...problems(401, 404, 429) },
      },
    },
    async ({ viewer, body }, reply) =>
      reply.code(201).send(await app.moderation.report(viewer.userId, body)),
  )

  app.get(
    '/reports',
    {
      schema: {
        ...signedIn,
        operationId: 'listOwnReports',
        summary: 'List your reports and their outcomes, newest first',
        querystring: PageQuery,
        response: { 200: PageOf(OwnReport), ...problems(401) },
      },
    },
    async ({ viewer, query }, reply) =>
      reply.sendPage(await app.moderation.ownReports(viewer.userId, query)),
  )

  app.get(
    '/moderation/acts',
    {
      schema: {
        ...signedIn,
        operationId: 'listOwnModerationActs',
        summary: 'List the acts of moderators that concern you, newest first',
        querystring: PageQuery,
        response: { 200: PageOf(OwnAct), ...problems(401) },
      },
    },
    async ({ viewer, query }, reply) =>
      reply.sendPage(await app.moderation.ownActs(viewer.userId, query)),
  )

  app.post(
    '/moderation/acts/:id/appeal',
    {
      schema: {
        ...signedIn,
        operationId: 'appeal',
        summary: 'Appeal a warning, a limit or a removal, once',
        params: IdParams,
        body: Appeal,
        response: { 204: NoContent, ...problems(401, 404, 409) },
      },
    },
    async ({ viewer, params, body }, reply) => {
      await app.moderation.appeal(viewer.userId, params.id, body.text)
      return reply.code(204).send(null)
    },
  )
}

export const suspendedRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/moderation/appeals',
    {
      config: { limit: 'login' },
      schema: {
        tags,
        security: [],
        operationId: 'appealSuspension',
        summary: 'Appeal the suspension of your account, once',
        description: 'Counts as a login, because a suspended account has no session.',
        body: SuspensionAppeal,
        response: { 204: NoContent, ...problems(401, 404, 409) },
      },
    },
    async ({ body, clientAddress }, reply) => {
      await app.moderation.appealSuspension(body, clientAddress)
      return reply.code(204).send(null)
    },
  )
}
