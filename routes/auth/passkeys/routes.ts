import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, BODY_LIMITS, IdParams, NoContent, problems } from 'birdhouse/schemas'
import { endingOthers } from '../ending-others.ts'
import {
  AddedPasskey,
  CreationOptions,
  CreationOptionsRequest,
  LoginOptionsRequest,
  NewPasskey,
  Passkey,
  PasskeyChange,
  PasskeyList,
  PasskeyRemoval,
  RequestOptions,
} from './schemas.ts'

const PATH = '/auth/second-factor/passkeys'
const bodyLimit = BODY_LIMITS.credentials

export const passkeyLogin: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/auth/passkey-options',
    {
      bodyLimit,
      config: { limit: 'login' },
      schema: {
        tags: ['auth'],
        security: [],
        operationId: 'getLoginPasskeyOptions',
        summary: 'Get a challenge for your passkey, for a login',
        description:
          'Requires the password, which is checked and counted as at a login. Then send the answer of the passkey as `passkey` with the login.',
        body: LoginOptionsRequest,
        response: { 200: RequestOptions, ...problems(401, 409) },
      },
    },
    async ({ body, clientAddress }) =>
      app.auth.secondFactor.passkeys.requestOptions(
        await app.auth.ownerBeforeFactor(body, clientAddress),
      ),
  )
}

export const ownPasskeys: FastifyPluginAsyncTypebox = async (app) => {
  const signedIn = { tags: ['auth'], security: BearerAuth }
  const { passkeys } = app.auth.secondFactor
  const ending = endingOthers(app)
  app.addHook('onRequest', app.authenticate)

  app.post(
    '/auth/second-factor/passkey-options',
    {
      schema: {
        ...signedIn,
        operationId: 'getPasskeyOptions',
        summary: 'Get a challenge for your passkey',
        description:
          'Send the answer of the passkey as `passkey` where an operation requires your second factor.',
        response: { 200: RequestOptions, ...problems(401, 409) },
      },
    },
    async ({ viewer }) => passkeys.requestOptions(viewer.userId),
  )

  app.get(
    PATH,
    {
      schema: {
        ...signedIn,
        operationId: 'listPasskeys',
        summary: 'List your passkeys, oldest first',
        response: { 200: PasskeyList, ...problems(401) },
      },
    },
    async ({ viewer }) => ({ items: await passkeys.list(viewer.userId) }),
  )

  app.post(
    `${PATH}/options`,
    {
      bodyLimit,
      schema: {
        ...signedIn,
        operationId: 'startPasskey',
        summary: 'Get a challenge for a new passkey',
        description:
          'Requires your password, and `code` or `passkey` where your second factor is on. The same session then adds the passkey.',
        body: CreationOptionsRequest,
        response: { 200: CreationOptions, ...problems(401, 403, 404, 409) },
      },
    },
    async ({ viewer, body, clientAddress }) => {
      await passkeys.assertRoom(viewer.userId)
      await app.auth.assertOwnPassword(viewer.userId, body, clientAddress)
      return passkeys.creationOptions(viewer)
    },
  )

  app.post(
    PATH,
    {
      bodyLimit,
      schema: {
        ...signedIn,
        operationId: 'addPasskey',
        summary: 'Add a passkey',
        description:
          'An account has at most 20 passkeys. The first one switches your second factor on, unless an authenticator app has done so: from now on a login, a change of the password and the deletion of the account require a passkey or a recovery code.',
        body: NewPasskey,
        response: { 201: AddedPasskey, ...problems(401, 404, 409, 422) },
      },
    },
    async ({ viewer, body }, reply) =>
      reply.code(201).send(await passkeys.add(viewer, body, ending(viewer, body.endOtherSessions))),
  )

  app.patch(
    `${PATH}/:id`,
    {
      bodyLimit,
      schema: {
        ...signedIn,
        operationId: 'renamePasskey',
        summary: 'Rename a passkey',
        params: IdParams,
        body: PasskeyChange,
        response: { 200: Passkey, ...problems(401, 404) },
      },
    },
    async ({ viewer, params, body }) => passkeys.rename(viewer.userId, params.id, body.name),
  )

  app.delete(
    `${PATH}/:id`,
    {
      bodyLimit,
      schema: {
        ...signedIn,
        operationId: 'deletePasskey',
        summary: 'Delete a passkey',
        description:
          'Requires your password, and `code` or `passkey`. Without an authenticator app, deleting the last passkey switches your second factor off.',
        params: IdParams,
        body: PasskeyRemoval,
        response: { 204: NoContent, ...problems(401, 403, 404) },
      },
    },
    async ({ viewer, params, body, clientAddress }, reply) => {
      const { userId } = viewer
      await passkeys.get(userId, params.id)
      await app.auth.assertOwnPassword(userId, body, clientAddress)
      await passkeys.remove(userId, params.id, ending(viewer, body.endOtherSessions))
      return reply.code(204).send(null)
    },
  )
}
