import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, BODY_LIMITS, NoContent, problems } from 'birdhouse/schemas'
import { endingOthers } from './ending-others.ts'
import {
  RecoveryCodes,
  SecondFactorConfirmation,
  SecondFactorSetUp,
  SecondFactorStart,
  SecondFactorState,
  SecondFactorStop,
} from './schemas.ts'

const secondFactor: FastifyPluginAsyncTypebox = async (app) => {
  const signedIn = { tags: ['auth'], security: BearerAuth }
  const bodyLimit = BODY_LIMITS.credentials
  app.addHook('onRequest', app.authenticate)

  const ending = endingOthers(app)

  app.get(
    '/auth/second-factor',
    {
      schema: {
        ...signedIn,
        operationId: 'getSecondFactor',
        summary: 'Whether your second factor is on',
        response: { 200: SecondFactorState, ...problems(401) },
      },
    },
    async ({ viewer }) => app.auth.secondFactor.state(viewer.userId),
  )

  app.post(
    '/auth/second-factor',
    {
      bodyLimit,
      schema: {
        ...signedIn,
        operationId: 'startSecondFactor',
        summary: 'Set up a second factor',
        description:
          'Requires your password, and `code` or `passkey` where you have passkeys. Show `url` as a QR code to an authenticator app, then confirm with a code of the app. Until then the factor is off; a new set-up replaces one that was not confirmed.',
        body: SecondFactorStart,
        response: { 200: SecondFactorSetUp, ...problems(401, 403, 404, 409, 503) },
      },
    },
    async ({ viewer, body, clientAddress }) => {
      app.auth.secondFactor.assertAvailable()
      await app.auth.assertOwnPassword(viewer.userId, body, clientAddress)
      return app.auth.secondFactor.start(viewer.userId)
    },
  )

  app.post(
    '/auth/second-factor/confirm',
    {
      bodyLimit,
      schema: {
        ...signedIn,
        operationId: 'confirmSecondFactor',
        summary: 'Switch your second factor on',
        description:
          'From now on a login, a change of the password and the deletion of the account require a code or a passkey. The recovery codes are shown this once; each replaces one code of the app, and former ones are void.',
        body: SecondFactorConfirmation,
        response: { 200: RecoveryCodes, ...problems(401, 403, 409, 503) },
      },
    },
    async ({ viewer, body }) => ({
      recoveryCodes: await app.auth.secondFactor.confirm(
        viewer.userId,
        body.code,
        ending(viewer, body.endOtherSessions),
      ),
    }),
  )

  app.delete(
    '/auth/second-factor',
    {
      bodyLimit,
      schema: {
        ...signedIn,
        operationId: 'stopSecondFactor',
        summary: 'Switch your second factor off',
        description:
          'Requires your password, and `code` or `passkey`. Deletes the secret, all passkeys and the recovery codes.',
        body: SecondFactorStop,
        response: { 204: NoContent, ...problems(401, 403, 409, 503) },
      },
    },
    async ({ viewer, body, clientAddress }, reply) => {
      await app.auth.assertOwnPassword(viewer.userId, body, clientAddress)
      await app.auth.secondFactor.switchOff(viewer.userId, ending(viewer, body.endOtherSessions))
      return reply.code(204).send(null)
    },
  )
}

export default secondFactor
