import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { Email, NewPassword } from 'birdhouse/schemas'
import { Type } from 'typebox'
import { emailPage, passwordPage } from '../../pages/settings/credentials.ts'
import { settingsPage } from './page.ts'
import { Proof, proof } from './proof.ts'

/** The password and the e-mail address. */
export const credentials: FastifyPluginAsyncTypebox = async (app) => {
  const { accountMail, auth } = app
  accountMail.addForm('verification', '/settings/email')
  accountMail.addForm('change', '/settings/email')

  const password = settingsPage(app, '/settings/password', 'Password', (_request, shown) =>
    passwordPage(shown),
  )
  password.takes('/settings/password', {
    fields: { ...Proof, newPassword: NewPassword },
    act: async ({ viewer, clientAddress }, { newPassword, ...body }) => {
      await auth.changePassword(viewer, { ...proof(body), newPassword }, clientAddress)
      return {}
    },
  })

  const email = settingsPage(app, '/settings/email', 'E-mail address', async ({ viewer }, shown) =>
    emailPage(await app.users.getOwn(viewer.userId), shown),
  )
  email.takes('/settings/email', {
    fields: { ...Proof, email: Email },
    config: { limit: 'mail' },
    act: async ({ viewer, clientAddress }, { email, ...body }) => {
      await accountMail.askToChange(viewer.userId, { ...proof(body), email }, clientAddress)
      return { to: '/settings/email?done=asked' }
    },
  })
  email.takes('/settings/email/verify', {
    fields: {},
    config: { limit: 'mail' },
    act: async ({ viewer }) => {
      await accountMail.askToVerify(viewer.userId)
      return { to: '/settings/email?done=asked' }
    },
  })
  email.takes('/settings/email/confirm', {
    fields: { mailToken: Type.String({ pattern: '^\\s*[\\w-]{43}\\s*$' }) },
    act: async (_request, { mailToken }) => {
      const given = mailToken.trim()
      await accountMail.verify(given).catch((error) => {
        if (error.code !== 'INVALID_MAIL_TOKEN') throw error
        return accountMail.change(given)
      })
      return {}
    },
  })
}
