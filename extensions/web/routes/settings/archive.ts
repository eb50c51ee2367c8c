import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { archivePage } from '../../pages/settings/archive.ts'
import { IdParams, LIMIT } from '../../schemas.ts'
import { settingsPage } from './page.ts'
import { Proof, proof } from './proof.ts'

export const archive: FastifyPluginAsyncTypebox = async (app) => {
  const { auth, dataExports } = app

  const page = settingsPage(
    app,
    '/settings/archive',
    'Archive of your data',
    async ({ viewer }, shown) =>
      archivePage((await dataExports.page(viewer.userId, { limit: LIMIT })).items, shown),
  )

  page.takes('/settings/archive', {
    fields: Proof,
    act: async ({ viewer, clientAddress }, body) => {
      await auth.assertOwnPassword(viewer.userId, proof(body), clientAddress)
      await dataExports.ask(viewer.userId)
      return {}
    },
  })

  app.get(
    '/settings/archive/:id',
    { schema: { hide: true, params: IdParams } },
    async (request, reply) => {
      const { bytes, name, stream } = await dataExports.download(request, request.params.id)
      return reply
        .type('application/zip')
        .header('content-length', bytes)
        .header('content-disposition', `attachment; filename="${name}"`)
        .header('cache-control', 'no-store')
        .send(stream)
    },
  )
}
