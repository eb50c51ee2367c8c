import type { FastifyPluginAsyncTypebox, Tx } from 'birdhouse'
import { SecondFactorCode } from 'birdhouse/schemas'
import { Type } from 'typebox'
import { recoveryPage, secondFactorPage, setUpPage } from '../../pages/settings/second-factor.ts'
import { settingsPage } from './page.ts'
import { Proof, proof } from './proof.ts'

const TITLE = 'Second factor'
const EndOthers = Type.Optional(Type.Literal('true'))
/** From the page before, which shows it again after a wrong code. */
const URL = /^otpauth:\/\/totp\/[\x21-\x7e]{1,600}$/

export const secondFactor: FastifyPluginAsyncTypebox = async (app) => {
  const { secondFactor: factor, sessions, assertOwnPassword } = app.auth

  const ending =
    ({ userId, sessionId }: { userId: number; sessionId: number }, isWanted: 'true' | undefined) =>
    async (tx: Tx) =>
      isWanted && sessions.revokeOthers(userId, sessionId, tx)

  const page = settingsPage(app, '/settings/second-factor', TITLE, async ({ viewer }, shown) => {
    const { recoveryCodesLeft } = await factor.state(viewer.userId)
    return secondFactorPage(recoveryCodesLeft, shown)
  })

  page.takes('/settings/second-factor/start', {
    fields: Proof,
    act: async ({ viewer, clientAddress }, body) => {
      factor.assertAvailable()
      await assertOwnPassword(viewer.userId, proof(body), clientAddress)
      const { url } = await factor.start(viewer.userId)
      return { url }
    },
    answer: async (reply, { url }) => {
      const shown = await page.shownTo(reply.request, reply, {})
      return page.sendMain(reply, shown, setUpPage(url, shown))
    },
  })

  page.takes('/settings/second-factor/confirm', {
    fields: {
      url: Type.String({ pattern: URL.source }),
      code: SecondFactorCode,
      endOthers: EndOthers,
    },
    act: async ({ viewer }, { code, endOthers }) => {
      const codes = await factor.confirm(viewer.userId, code, ending(viewer, endOthers))
      return { codes }
    },
    answer: async (reply, { codes }) => {
      const shown = await page.shownTo(reply.request, reply, {})
      return page.sendMain(reply, shown, recoveryPage(codes))
    },
    again: (shown) => {
      const { url = '' } = shown.entered
      return URL.test(url) ? setUpPage(url, shown) : undefined
    },
  })

  page.takes('/settings/second-factor/stop', {
    fields: { ...Proof, endOthers: EndOthers },
    act: async ({ viewer, clientAddress }, { endOthers, ...body }) => {
      await assertOwnPassword(viewer.userId, proof(body), clientAddress)
      await factor.switchOff(viewer.userId, ending(viewer, endOthers))
      return {}
    },
  })
}
