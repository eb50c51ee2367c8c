import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { overview } from '../../pages/settings/index.ts'
import { archive } from './archive.ts'
import { credentials } from './credentials.ts'
import { deletion } from './deletion.ts'
import { people } from './people.ts'
import { profile } from './profile.ts'
import { secondFactor } from './second-factor.ts'
import { sessions } from './sessions.ts'

/** The settings of the person who is signed in. */
export const settings: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/settings', { schema: { hide: true } }, async ({ viewer: { userId } }, reply) => {
    const { isOn } = await app.auth.secondFactor.state(userId)
    const main = overview(await app.users.getOwn(userId), isOn)
    return app.web.send(reply, { title: 'Settings', main })
  })

  for (const routes of [profile, credentials, sessions, secondFactor, people, archive, deletion])
    await app.register(routes)
}
