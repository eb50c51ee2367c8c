import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, IdParams, PageOf, PageQuery, problems, ref } from 'birdhouse/schemas'
import { Type } from 'typebox'
import { createDownloads } from './downloads.ts'

const TYPE = 'application/zip'

const exports: FastifyPluginAsyncTypebox = async (app) => {
  const signedIn = { tags: ['users'], security: BearerAuth }
  const downloads = createDownloads()
  app.addHook('onRequest', app.authenticate)

  app.post(
    '/users/me/exports',
    {
      schema: {
        ...signedIn,
        operationId: 'askForExport',
        summary: 'Ask for an archive of your data',
        description:
          'A job makes a ZIP of JSON files and of your pictures, which is kept for 7 days. One archive is made at a time, at most 3 in 24 hours.',
        response: { 202: ref('DataExport'), ...problems(401, 404, 409, 429) },
      },
    },
    async ({ viewer }, reply) => reply.code(202).send(await app.dataExports.ask(viewer.userId)),
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
    async ({ viewer: { userId }, params, clientAddress }, reply) => {
      const { bytes, createdAt, content } = await app.dataExports.open(userId, params.id)
      const download = downloads.bound(userId, content)
      reply.raw.once('close', download.release)
      app.securityLog('sensitive_read', { userId, address: clientAddress, object: 'export' })
      const name = `birdhouse-${createdAt.toISOString().slice(0, 10)}.zip`
      return reply
        .type(TYPE)
        .header('content-length', bytes)
        .header('content-disposition', `attachment; filename="${name}"`)
        .header('cache-control', 'no-store')
        .send(Readable.from(download.content, { signal: download.signal }))
    },
  )
}

export default exports
