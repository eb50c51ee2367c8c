import type { FastifyInstance } from 'birdhouse'

/** Commands for operators about the account with an e-mail address. */
export function addTasks(app: FastifyInstance) {
  const { attempts, secondFactor } = app.auth

  async function idOf(email: string) {
    const account = await app.users.credentials({ email })
    if (!account) throw new Error(`No account has the e-mail address ${email}.`)
    return account.id
  }

  app.tasks.add('auth:unlock', {
    summary: 'let an account log in again after too many failed logins',
    argument: 'email',
    run: async ({ argument: email = '' }) => {
      await attempts.unlock(await idOf(email))
      return `${email} can log in from everywhere again.`
    },
  })
  app.tasks.add('auth:reset-second-factor', {
    summary: 'switch off a lost second factor',
    argument: 'email',
    run: async ({ argument: email = '' }) => {
      await secondFactor.switchOff(await idOf(email))
      return `${email} can log in with the password alone.`
    },
  })
}
