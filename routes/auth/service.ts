import createError from '@fastify/error'
import type { FastifyInstance } from 'birdhouse'
import fp from 'fastify-plugin'
import { isGuessable } from './password-rules.ts'
import { Session } from './schemas.ts'
import { type Client, createSessions } from './sessions.ts'

declare module 'fastify' {
  interface FastifyInstance {
    auth: ReturnType<typeof createAuth>
  }
  interface JobPayloads {
    'auth.purgeSessions': object
  }
}

const WrongCredentials = createError(
  'WRONG_CREDENTIALS',
  'The e-mail address or the password is wrong; check both.',
  401,
)
const WrongPassword = createError(
  'WRONG_PASSWORD',
  'The password is wrong; send the password of your account.',
  403,
)

const SessionRevoked = createError('SESSION_REVOKED', 'This session has ended; log in again.', 401)

type SignUp = {
  name: string
  email: string
  password: string
  profile?: string | undefined
  handle?: string | undefined
}

function createAuth(app: FastifyInstance) {
  const sessions = createSessions(app)

  /** Creates an account without a session and returns its id. @throws EmailTaken, HandleTaken */
  async function register({ password, ...input }: SignUp) {
    return app.users.create({ ...input, passwordHash: await app.password.hash(password) })
  }

  /** Creates an account and signs in. @throws EmailTaken, HandleTaken, 400 for a weak password */
  async function signUp({ password, ...input }: SignUp, client: Client) {
    await assertStrong('password', password, input)
    const passwordHash = await app.password.hash(password)
    const { userId, tokens } = await app.transaction(async (tx) => {
      const userId = await app.users.create({ ...input, passwordHash }, tx)
      return { userId, tokens: await sessions.open(userId, client, tx) }
    })
    return { user: await app.users.getOwn(userId), ...tokens }
  }

  /**
   * Returns the id of the account with these credentials. An unknown address takes as long as a wrong
   * password, so that the time does not reveal who has an account. @throws WrongCredentials
   */
  async function checkCredentials(email: string, password: string) {
    const account = await app.users.credentials({ email })
    const right = await app.password.verify(password, account?.passwordHash)
    if (!account || !right) throw new WrongCredentials()
    if (app.password.needsRehash(account.passwordHash)) {
      // The login succeeds even when the hash cannot be renewed, for example when the server is busy.
      await app.password
        .hash(password)
        .then((hash) => app.users.setPasswordHash(account.id, account.passwordHash, hash))
        .catch((err) =>
          app.log.warn({ err }, 'password hash not renewed; the next login tries again'),
        )
    }
    return account.id
  }

  /** @throws WrongCredentials */
  async function login({ email, password }: { email: string; password: string }, client: Client) {
    const userId = await checkCredentials(email, password)
    const tokens = await sessions.open(userId, client)
    return { user: await app.users.getOwn(userId), ...tokens }
  }

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

  /** Ends all other sessions of the user. @throws WrongPassword, 400 for a weak password */
  async function changePassword(
    { userId, sessionId }: { userId: number; sessionId: number },
    { password, newPassword }: { password: string; newPassword: string },
  ) {
    await assertStrong('newPassword', newPassword, await app.users.getOwn(userId))
    const account = await app.users.credentials({ id: userId })
    if (!account || !(await app.password.verify(password, account.passwordHash)))
      throw new WrongPassword()
    const hash = await app.password.hash(newPassword)
    await app.transaction(async (tx) => {
      // False when another change came first.
      if (!(await app.users.setPasswordHash(userId, account.passwordHash, hash, tx)))
        throw new WrongPassword()
      await sessions.revokeOthers(userId, sessionId, tx)
    })
  }

  /** Deletes the account and ends its sessions in one transaction. @throws WrongPassword */
  async function closeAccount(userId: number, password: string) {
    const account = await app.users.credentials({ id: userId })
    if (!(await app.password.verify(password, account?.passwordHash))) throw new WrongPassword()
    await app.transaction(async (tx) => {
      await app.users.remove(userId, tx)
      await sessions.revokeAll(userId, tx)
    })
  }

  return {
    register,
    signUp,
    checkCredentials,
    login,
    assertSession,
    changePassword,
    closeAccount,
    sessions,
  }
}

export default fp(
  async (app) => {
    app.resources.define(Session)
    app.decorate('auth', createAuth(app))
    // A login during the deletion of the account may have opened a session.
    app.users.addEraser(async (userId) => void (await app.auth.sessions.revokeAll(userId)))
    app.jobs.every('auth.purgeSessions', 3600, app.auth.sessions.purge)
  },
  {
    name: 'auth.service',
    dependencies: ['users.service', 'jwt', 'password', 'revocation'],
  },
)
