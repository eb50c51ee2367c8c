import type { FastifyInstance } from 'birdhouse'
import { bindingOf } from './tokens.ts'

/** Mails leave in jobs: a mail server that is away delays no request and loses no mail. */
export function addJobs(app: FastifyInstance) {
  const { accountMail } = app
  const { job, isOn } = app.mail
  const options = { ...job, when: () => isOn }

  app.jobs.define(
    'accountMail.reset',
    async ({ email }) => {
      const account = await app.users.credentials({ email })
      if (account?.email) await accountMail.sendToken(account, 'reset', account.email)
    },
    job,
  )
  app.jobs.define(
    'accountMail.change',
    async ({ userId, email, binding }) => {
      const account = await app.users.credentials({ id: userId })
      // A password that changed since the request ends the request, however late the mail leaves.
      if (account && bindingOf(account).toString('base64url') === binding)
        await accountMail.sendToken(account, 'change', email)
    },
    job,
  )
  app.events.subscribe(
    'auth.signedUp',
    'accountMail.verify',
    async ({ userId }) => {
      const account = await app.users.credentials({ id: userId })
      if (account?.email) await accountMail.sendToken(account, 'verification', account.email)
    },
    options,
  )
  app.events.subscribe(
    'auth.newNetwork',
    'accountMail.newNetwork',
    ({ userId, address }) => accountMail.notify({ userId, notice: 'newNetwork', address }),
    options,
  )
  app.events.subscribe(
    'auth.passwordChanged',
    'accountMail.passwordChanged',
    ({ userId, isReset }) =>
      accountMail.notify({ userId, notice: isReset ? 'passwordReset' : 'passwordChanged' }),
    options,
  )
  app.events.subscribe(
    'auth.emailChanged',
    'accountMail.emailChanged',
    ({ userId, from }) => accountMail.notify({ userId, notice: 'emailChanged', email: from }),
    options,
  )
  app.events.subscribe(
    'auth.secondFactorChanged',
    'accountMail.factorChanged',
    ({ userId, isOn }) => accountMail.notify({ userId, notice: isOn ? 'factorOn' : 'factorOff' }),
    options,
  )
  app.events.subscribe(
    'auth.passkeysChanged',
    'accountMail.passkeysChanged',
    ({ userId, isAdded }) =>
      accountMail.notify({ userId, notice: isAdded ? 'passkeyAdded' : 'passkeyDeleted' }),
    options,
  )
  app.events.subscribe(
    'exports.asked',
    'accountMail.exportAsked',
    ({ userId }) => accountMail.notify({ userId, notice: 'exportAsked' }),
    options,
  )
  app.jobs.every('accountMail.purge', 3600, accountMail.purge)
}
