import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { peoplePage } from '../../pages/settings/people.ts'
import { LIMIT } from '../../schemas.ts'
import { cursorOf, settingsPage } from './page.ts'

/** People whom the person blocks or mutes. Their buttons are those of the profiles. */
export const people: FastifyPluginAsyncTypebox = async (app) => {
  for (const [list, title, undo] of [
    ['blocked', 'Blocked people', 'unblock'],
    ['muted', 'Muted people', 'unmute'],
  ] as const) {
    const path = `/settings/${list}`
    settingsPage(app, path, title, async (request, { token }) => {
      const asked = { cursor: cursorOf(request), limit: LIMIT }
      const page = await app.graph[list](request.viewer.userId, asked)
      return peoplePage(page, { path, undo, token })
    })
  }
}
