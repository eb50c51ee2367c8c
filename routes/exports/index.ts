import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import {
  BearerAuth,
  BODY_LIMITS,
  IdParams,
  PageOf,
  PageQuery,
  problems,
  ref,
} from 'birdhouse/schemas'
import { Type } from 'typebox'
import { ExportRequest } from './schemas.ts'

const TYPE = 'application/zip'

const exports: FastifyPluginAsyncTypebox = async (app) => {
  const signedIn = { tags: ['users'], security: BearerAuth }
  app.addHook('onRequest', app.authenticate)

  app.post(
    '/users/me/exports',
    {
      bodyLimit: BODY_LIMITS.credentials,
      schema: {
        ...signedIn,
        operationId: 'askForExport',
        summary: 'Ask for an archive of your data',
        description:
          'Requires your password, and `code` or `passkey` where your second factor is on. A job makes a ZIP of JSON files and of your pictures, which is kept for 7 days; a mail tells you. One archive is made at a time, at most 3 in 24 hours.',
        body: ExportRequest,
        response: { 202: ref('DataExport'), ...problems(401, 403, 404, 409, 429) },
      },
    },
    async ({ viewer, body, clientAddress }, reply) => {
      await app.auth.assertOwnPassword(viewer.userId, body, clientAddress)
      return reply.code(202).send(await app.dataExports.ask(viewer.userId))
    },
  )

  app.get(
    '/users/me/exports',
    {
      schema: {
        ...signedIn,
        operationId: 'listExports',
        summary: 'List the archives of your data, newest first',
        querystring: PageQuery,
        response: { 200: PageOf(ref('DataExport')), ...problems(401) },
      },
    },
    async ({ viewer, query }, reply) =>
      reply.sendPage(await app.dataExports.page(viewer.userId, query)),
  )

  app.get(
    '/users/me/exports/:id/archive',
    {
      schema: {
        ...signedIn,
        operationId: 'downloadExport',
        summary: 'Download an archive of your data',
        description: 'One download at a time, which may take 15 minutes.',
        params: IdParams,
        response: {
          200: {
            description: 'The ZIP.',
            content: {
              [TYPE]: { schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary' }) },
            },
          },
          ...problems(401, 404, 429),
        },
      },
    },
    async (request, reply) => {
      const { bytes, name, stream } = await app.dataExports.download(request, request.params.id)
      return reply
        .type(TYPE)
        .header('content-length', bytes)
        .header('content-disposition', `attachment; filename="${name}"`)
        .header('cache-control', 'no-store')
        .send(stream)
    },
  )
}

export default exports
