import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, IdParams, NoContent, PageOf, PageQuery, problems } from 'birdhouse/schemas'
import { blockRoutes } from './block-routes.ts'
import {
  AcceptedTerms,
  Invitation,
  MadeInvitation,
  NewInvitation,
  WaitingAccount,
  WithReason,
} from './schemas.ts'

const signUp: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(moderation)
  await app.register(terms)
}

const moderation: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)
  app.addHook('onRequest', app.moderation.requireRole('moderator'))
  await app.register(approval)
  await app.register(invitations)
  await app.register(blockRoutes)
}

const moderators = { tags: ['moderation'], security: BearerAuth }

const approval: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/admin/sign-ups',
    {
      schema: {
        ...moderators,
        operationId: 'listSignUps',
        summary: 'List accounts that wait for their approval, oldest first',
        querystring: PageQuery,
        response: { 200: PageOf(WaitingAccount), ...problems(401, 403) },
      },
    },
    async ({ query }, reply) => reply.sendPage(await app.signUp.signUps(query)),
  )

  app.post(
    '/admin/sign-ups/:id/approve',
    {
      schema: {
        ...moderators,
        operationId: 'approveSignUp',
        summary: 'Approve an account',
        description: 'The person is told by mail, and can log in.',
        params: IdParams,
        response: { 204: NoContent, ...problems(401, 403, 404, 409) },
      },
    },
    async ({ viewer, params }, reply) => {
      await app.signUp.approveSignUp(params.id, viewer.userId)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/admin/sign-ups/:id/refuse',
    {
      schema: {
        ...moderators,
        operationId: 'refuseSignUp',
        summary: 'Refuse an account, which is erased',
        description: 'The person is told the reason by mail.',
        params: IdParams,
        body: WithReason,
        response: { 204: NoContent, ...problems(401, 403, 404, 409) },
      },
    },
    async ({ viewer, params, body }, reply) => {
      await app.signUp.refuseSignUp(params.id, body.reason, viewer.userId)
      return reply.code(204).send(null)
    },
  )
}

const invitations: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/admin/invitations',
    {
      schema: {
        ...moderators,
        operationId: 'listInvitations',
        summary: 'List invitations, newest first',
        querystring: PageQuery,
        response: { 200: PageOf(Invitation), ...problems(401, 403) },
      },
    },
    async ({ query }, reply) => reply.sendPage(await app.signUp.invitations(query)),
  )

  app.post(
    '/admin/invitations',
    {
      schema: {
        ...moderators,
        operationId: 'invite',
        summary: 'Make an invitation',
        description: 'The answer shows `code` this once.',
        body: NewInvitation,
        response: { 201: MadeInvitation, ...problems(401, 403) },
      },
    },
    async ({ viewer, body }, reply) =>
      reply
        .code(201)
        .header('cache-control', 'no-store')
        .send(await app.signUp.invite(body, viewer.userId)),
  )

  app.delete(
    '/admin/invitations/:id',
    {
      schema: {
        ...moderators,
        operationId: 'revokeInvitation',
        summary: 'Revoke an invitation',
        description: 'The accounts that have signed up with it stay.',
        params: IdParams,
        response: { 204: NoContent, ...problems(401, 403, 404) },
      },
    },
    async ({ viewer, params }, reply) => {
      await app.signUp.revokeInvitation(params.id, viewer.userId)
      return reply.code(204).send(null)
    },
  )
}

const terms: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.post(
    '/users/me/terms',
    {
      schema: {
        tags: ['users'],
        security: BearerAuth,
        operationId: 'acceptTerms',
        summary: 'Accept the current terms',
        description: 'Your account shows the current terms as `terms`, where the instance has any.',
        body: AcceptedTerms,
        response: { 204: NoContent, ...problems(401, 404, 409) },
      },
    },
    async ({ viewer, body }, reply) => {
      await app.signUp.acceptTerms(viewer.userId, body.version)
      return reply.code(204).send(null)
    },
  )
}

export default signUp
