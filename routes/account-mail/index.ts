import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, NoContent, problems } from 'birdhouse/schemas'
import { Accepted, EmailChange, Reset, ResetRequest, Token } from './schemas.ts'

/** Bytes; no body of these operations is longer. */
const BODY_LIMIT = 4_096

const accountMail: FastifyPluginAsyncTypebox = async (app) => {
  const anyone = { tags: ['auth'], security: [] }

  app.post(
    '/auth/password-reset',
    {
      bodyLimit: BODY_LIMIT,
      config: { limit: 'mail' },
      schema: {
        ...anyone,
        operationId: 'askToResetPassword',
        summary: 'Ask for a mail that resets your password',
        description:
          'The answer is the same whether an account has this e-mail address. 503 `NO_MAIL` where the server sends no mail.',
        body: ResetRequest,
        response: { 202: Accepted, ...problems() },
      },
    },
    async ({ body }, reply) => {
      await app.accountMail.askToReset(body.email)
      return reply.code(202).send(null)
    },
  )

  app.post(
    '/auth/password-reset/confirm',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        ...anyone,
        operationId: 'resetPassword',
        summary: 'Reset your password with the token of a mail',
        description:
          'Ends all sessions and all waits after failed logins. A second factor is still needed for the next login.',
        body: Reset,
        response: { 204: NoContent, ...problems(404) },
      },
    },
    async ({ body }, reply) => {
      await app.accountMail.reset(body)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/auth/email-verification/confirm',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        ...anyone,
        operationId: 'verifyEmail',
        summary: 'Confirm your e-mail address with the token of a mail',
        body: Token,
        response: { 204: NoContent, ...problems() },
      },
    },
    async ({ body }, reply) => {
      await app.accountMail.verify(body.token)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/auth/email-change/confirm',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        ...anyone,
        operationId: 'confirmEmailChange',
        summary: 'Take over a new e-mail address with the token of a mail',
        description: 'The earlier address gets a notice.',
        body: Token,
        response: { 204: NoContent, ...problems(409, 422) },
      },
    },
    async ({ body }, reply) => {
      await app.accountMail.change(body.token)
      return reply.code(204).send(null)
    },
  )

  await app.register(own)
}

const own: FastifyPluginAsyncTypebox = async (app) => {
  const signedIn = { tags: ['auth'], security: BearerAuth }
  app.addHook('onRequest', app.authenticate)

  app.post(
    '/auth/email-verification',
    {
      config: { limit: 'mail' },
      schema: {
        ...signedIn,
        operationId: 'askToVerifyEmail',
        summary: 'Ask for another mail that confirms your e-mail address',
        description: 'The tokens of earlier mails end. Each sign-up sends the first mail.',
        response: { 202: Accepted, ...problems(401) },
      },
    },
    async ({ viewer }, reply) => {
      await app.accountMail.askToVerify(viewer.userId)
      return reply.code(202).send(null)
    },
  )

  app.put(
    '/users/me/email',
    {
      bodyLimit: BODY_LIMIT,
      config: { limit: 'mail' },
      schema: {
        ...signedIn,
        operationId: 'changeEmail',
        summary: 'Change your e-mail address',
        description:
          'Requires your password. A mail goes to the new address, which becomes yours once its token is confirmed.',
        body: EmailChange,
        response: { 202: Accepted, ...problems(401, 403, 404, 422) },
      },
    },
    async ({ viewer, body, clientAddress }, reply) => {
      await app.accountMail.askToChange(viewer.userId, body, clientAddress)
      return reply.code(202).send(null)
    },
  )
}

export default accountMail
