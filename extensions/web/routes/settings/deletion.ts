import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { deletedPage, deletionPage } from '../../pages/settings/deletion.ts'
import { settingsPage } from './page.ts'
import { Proof, proof } from './proof.ts'

export const deletion: FastifyPluginAsyncTypebox = async (app) => {
  const { send, signOut } = app.web

  const page = settingsPage(app, '/settings/delete', 'Delete the account', (_request, shown) =>
    deletionPage(shown),
  )

  page.takes('/settings/delete', {
    fields: Proof,
    act: async ({ viewer, clientAddress }, body) => {
      await app.auth.closeAccount(viewer.userId, proof(body), clientAddress)
      return {}
    },
    answer: async (reply) => {
      await signOut(reply.request, reply)
      return send(reply, { title: 'Your account is deleted', main: deletedPage })
    },
  })
}
