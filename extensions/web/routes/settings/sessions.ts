import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { sessionsPage } from '../../pages/settings/sessions.ts'
import { IdParams, LIMIT } from '../../schemas.ts'
import { cursorOf, settingsPage } from './page.ts'

export const sessions: FastifyPluginAsyncTypebox = async (app) => {
  const own = app.auth.sessions

  const page = settingsPage(app, '/settings/sessions', 'Sessions', async (request, shown) => {
    const { userId, sessionId } = request.viewer
    const asked = { cursor: cursorOf(request), limit: LIMIT }
    return sessionsPage(await own.list(userId, sessionId, asked), shown)
  })

  page.takes('/settings/sessions/end-others', {
    fields: {},
    act: async ({ viewer: { userId, sessionId } }) => {
      await own.revokeOthers(userId, sessionId)
      return {}
    },
  })

  page.takes('/settings/sessions/:id/end', {
    fields: {},
    params: IdParams,
    act: async ({ viewer, params }) => {
      await own.revoke(viewer.userId, (params as { id: number }).id)
      return {}
    },
  })
}
