import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import fp from 'fastify-plugin'
import { createCredentialCheck, type Proof } from './credential-check.ts'
import { addExports } from './exports.ts'
import { createLoginAttempts } from './login-attempts.ts'
import { createLogins } from './logins.ts'
import { isGuessable } from './password-rules.ts'
import { Session } from './schemas.ts'
import { createSecondFactor } from './second-factor.ts'
import { createSessions } from './sessions.ts'
import { createSignUps } from './sign-ups.ts'
import { addTasks } from './tasks.ts'

declare module 'fastify' {
  interface FastifyInstance {
    auth: ReturnType<typeof createAuth>
  }
  interface EventPayloads {
    /** An account was created by its owner. */
    'auth.signedUp': { userId: number }
    /** The right password came from a network where the account had not signed in for 90 days, or never. */
    'auth.newNetwork': { userId: number; address: string }
    'auth.passwordChanged': { userId: number; isReset: boolean }
  }
  interface JobPayloads {
    'auth.purgeSessions': object
    'auth.purgeAttempts': object
    'auth.purgeChallenges': object
  }
}

const WrongPassword = createError(
  'WRONG_PASSWORD',
  'The password is wrong; send the password of your account.',
  403,
)

const SessionRevoked = createError('SESSION_REVOKED', 'This session has ended; log in again.', 401)

function createAuth(app: FastifyInstance) {
  const sessions = createSessions(app)
  const attempts = createLoginAttempts(app)
  const secondFactor = createSecondFactor(app)
  const check = createCredentialCheck(app, attempts, secondFactor)

  const signUps = createSignUps(app, sessions, attempts, assertStrong)

  /**
   * Checks that the session of an access token exists, which `authenticate` does not: it knows the ended
   * sessions alone. Call this where a request lasts long. @throws SessionRevoked
   */
  async function assertSession({ userId, sessionId }: { userId: number; sessionId: number }) {
    if (!(await sessions.exists(userId, sessionId))) throw new SessionRevoked()
  }

  /** @throws 400 that names the field */
  async function assertStrong(
    field: string,
    password: string,
    words: Parameters<typeof isGuessable>[1],
  ) {
    const refuse = (message: string) => {
      throw app.errors.invalidField(field, message)
    }
    if (await app.password.isCommon(password)) refuse('is a common password; choose another')
    if (isGuessable(password, words))
      refuse('consists of your name, handle or e-mail address, or of birdhouse; choose another')
  }

  /**
   * Ends all other sessions of the user. A wrong password counts as a failed login.
   * @throws as `assertOwnPassword`, 400 for a weak password
   */
  async function changePassword(
    { userId, sessionId }: { userId: number; sessionId: number },
    { newPassword, ...proof }: Proof & { newPassword: string },
    address: string,
  ) {
    const user = await app.users.getOwn(userId)
    await assertStrong('newPassword', newPassword, user)
    const account = await assertOwnPassword(userId, proof, address)
    const origin = { account: String(userId), address: app.networkOf(address), isKnown: true }
    const hash = await app.password.hash(newPassword, origin)
    await app.transaction(async (tx) => {
      // False when another change came first.
      if (!(await app.users.setPasswordHash(userId, account.passwordHash, hash, tx)))
        throw new WrongPassword()
      await sessions.revokeOthers(userId, sessionId, tx)
      await app.events.emit(tx, 'auth.passwordChanged', { userId, isReset: false })
      app.securityLog('authn_password_change', { userId, address }, tx)
    })
  }

  /**
   * Replaces a forgotten password, ends all sessions and all waits after failed logins. `within` runs first in the
   * transaction. @throws UserNotFound
   */
  async function resetPassword(
    userId: number,
    password: string,
    within: (tx: Tx) => Promise<unknown> = async () => {},
  ) {
    const hash = await app.password.hash(password, { account: String(userId), address: '' })
    await app.transaction(async (tx) => {
      await within(tx)
      const account = await app.users.states.lock(tx, userId)
      const { passwordHash = '' } = (await app.users.credentials({ id: account.id }, tx)) ?? {}
      await app.users.setPasswordHash(userId, passwordHash, hash, tx)
      await sessions.revokeAll(userId, tx)
      app.securityLog('authn_password_change', { userId }, tx)
      await app.events.emit(tx, 'auth.passwordChanged', { userId, isReset: true })
      await attempts.unlock(userId, tx)
    })
  }

  /**
   * Checks the password of a signed-in user, and a second factor that is on. Failures count as failed logins.
   * Returns the account.
   * @throws WrongPassword, SecondFactorRequired, WrongSecondFactor, TooManyFailures, TooManyRequests
   */
  async function assertOwnPassword(userId: number, proof: Proof, address: string) {
    const account = await app.users.credentials({ id: userId })
    const right = await check({ id: userId }, account, proof, address, 'act')
    if (!account || !right) {
      app.securityLog('authn_login_fail', { userId, address })
      throw new WrongPassword()
    }
    return account
  }

  /**
   * Deletes the account and ends its sessions in one transaction. A wrong password counts as a failed login.
   * @throws as `assertOwnPassword`
   */
  async function closeAccount(userId: number, proof: Proof, address: string) {
    await assertOwnPassword(userId, proof, address)
    await app.transaction(async (tx) => {
      await app.users.remove(userId, tx)
      await sessions.revokeAll(userId, tx)
      app.securityLog('user_deleted', { userId, address }, tx)
    })
  }

  return {
    ...signUps,
    ...createLogins(app, sessions, attempts, check),
    assertOwnPassword,
    assertSession,
    assertStrong,
    changePassword,
    resetPassword,
    closeAccount,
    /** Makes the request one of this user, for an authentication of one's own. @throws SessionRevoked */
    actAs: app.actAs,
    sessions,
    attempts,
    secondFactor,
  }
}

export default fp(
  async (app) => {
    app.resources.define(Session)
    app.decorate('auth', createAuth(app))
    // A login during the deletion of the account may have opened a session.
    app.users.addEraser(async (userId) => void (await app.auth.sessions.revokeAll(userId)))
    app.users.addEraser(app.auth.attempts.erase)
    app.users.addEraser(app.auth.secondFactor.erase)
    app.jobs.every('auth.purgeSessions', 3600, app.auth.sessions.purge)
    addTasks(app)
    addExports(app)
    app.jobs.every('auth.purgeAttempts', 3600, app.auth.attempts.purge)
    app.jobs.every('auth.purgeChallenges', 3600, app.auth.secondFactor.purge)
  },
  {
    name: 'auth.service',
    dependencies: ['users.service', 'jwt', 'limits', 'password', 'revocation'],
  },
)
