import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import fp from 'fastify-plugin'
import { createLoginAttempts } from './login-attempts.ts'
import { isGuessable } from './password-rules.ts'
import { Session } from './schemas.ts'
import { type Client, createSessions } from './sessions.ts'

declare module 'fastify' {
  interface FastifyInstance {
    auth: ReturnType<typeof createAuth>
  }
  interface JobPayloads {
    'auth.purgeSessions': object
    'auth.purgeAttempts': object
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

type Credentials = { email: string; password: string }

function createAuth(app: FastifyInstance) {
  const sessions = createSessions(app)
  const attempts = createLoginAttempts(app)

  /** Creates an account without a session and returns its id. @throws EmailTaken, HandleTaken */
  async function register({ password, ...input }: SignUp, address: string) {
    const passwordHash = await hashNew(password, input.email, address)
    return app.transaction(async (tx) => {
      const userId = await app.users.create({ ...input, passwordHash }, tx)
      await attempts.succeed(userId, address, tx)
      return userId
    })
  }

  const hashNew = (password: string, email: string, address: string) =>
    app.password.hash(password, { account: email, address: app.networkOf(address) })

  /** Creates an account and signs in. @throws EmailTaken, HandleTaken, 400 for a weak password */
  async function signUp({ password, ...input }: SignUp, client: Client) {
    await assertStrong('password', password, input)
    const passwordHash = await hashNew(password, input.email, client.ip)
    const { userId, tokens } = await app.transaction(async (tx) => {
      const userId = await app.users.create({ ...input, passwordHash }, tx)
      await attempts.succeed(userId, client.ip, tx)
      return { userId, tokens: await sessions.open(userId, client, tx) }
    })
    return { user: await app.users.getOwn(userId), ...tokens }
  }

  /**
   * Returns the id of the account with these credentials. An unknown address takes as long as a wrong
   * password, so that the time does not reveal who has an account. `address` is the client's.
   * @throws WrongCredentials, TooManyFailures, TooManyRequests
   */
  async function checkCredentials(email: string, password: string, address: string) {
    return (await checkedAccount({ email, password }, address)).id
  }

  async function checkedAccount({ email, password }: Credentials, address: string) {
    attempts.assertNotRefused(email, address)
    const account = await app.users.credentials({ email })
    const right = await attempts.check({ id: account?.id, email }, address, (origin) =>
      app.password.verify(password, account?.passwordHash, origin),
    )
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
    return account
  }

  /** @throws WrongCredentials, TooManyFailures, TooManyRequests */
  async function login(credentials: Credentials, client: Client) {
    const { userId, opened } = await openChecked(credentials, client, sessions.open)
    return { user: await app.users.getOwn(userId), ...opened }
  }

  /** Logs in for `life` seconds, without a refresh token. @throws as `login` */
  async function loginFor(life: number, credentials: Credentials, client: Client) {
    const { userId, opened } = await openChecked(credentials, client, (...args) =>
      sessions.openFor(life, ...args),
    )
    return { userId, accessToken: opened }
  }

  /** Opens a session unless the password changed since it was checked: a change ends the sessions that it finds. */
  async function openChecked<T>(
    credentials: Credentials,
    client: Client,
    open: (userId: number, client: Client, tx: Tx) => Promise<T>,
  ) {
    const { id, passwordHash } = await checkedAccount(credentials, client.ip)
    return app.transaction(async (tx) => {
      // From here on a change waits, because the session's foreign key locks the account.
      const opened = await open(id, client, tx)
      const current = await app.users.credentials({ id }, tx)
      // A simultaneous login may have renewed the hash of the same password.
      const isSame =
        current?.passwordHash === passwordHash ||
        (await app.password.verify(credentials.password, current?.passwordHash))
      if (!isSame) throw new WrongCredentials()
      return { userId: id, opened }
    })
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

  /**
   * Ends all other sessions of the user. A wrong password counts as a failed login.
   * @throws WrongPassword, TooManyFailures, TooManyRequests, 400 for a weak password
   */
  async function changePassword(
    { userId, sessionId }: { userId: number; sessionId: number },
    { password, newPassword }: { password: string; newPassword: string },
    address: string,
  ) {
    const user = await app.users.getOwn(userId)
    await assertStrong('newPassword', newPassword, user)
    const account = await assertOwnPassword(userId, password, address)
    const hash = await hashNew(newPassword, user.email, address)
    await app.transaction(async (tx) => {
      // False when another change came first.
      if (!(await app.users.setPasswordHash(userId, account.passwordHash, hash, tx)))
        throw new WrongPassword()
      await sessions.revokeOthers(userId, sessionId, tx)
    })
  }

  async function assertOwnPassword(userId: number, password: string, address: string) {
    const account = await app.users.credentials({ id: userId })
    const right = await attempts.check({ id: userId }, address, (origin) =>
      app.password.verify(password, account?.passwordHash, origin),
    )
    if (!account || !right) throw new WrongPassword()
    return account
  }

  /**
   * Deletes the account and ends its sessions in one transaction. A wrong password counts as a failed login.
   * @throws WrongPassword, TooManyFailures, TooManyRequests
   */
  async function closeAccount(userId: number, password: string, address: string) {
    await assertOwnPassword(userId, password, address)
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
    loginFor,
    assertSession,
    changePassword,
    closeAccount,
    sessions,
    attempts,
  }
}

export default fp(
  async (app) => {
    app.resources.define(Session)
    app.decorate('auth', createAuth(app))
    // A login during the deletion of the account may have opened a session.
    app.users.addEraser(async (userId) => void (await app.auth.sessions.revokeAll(userId)))
    app.users.addEraser(app.auth.attempts.erase)
    app.jobs.every('auth.purgeSessions', 3600, app.auth.sessions.purge)
    app.tasks.add('auth:unlock', {
      summary: 'let an account log in again after too many failed logins',
      argument: 'email',
      run: async ({ argument: email = '' }) => {
        const account = await app.users.credentials({ email })
        if (!account) throw new Error(`No account has the e-mail address ${email}.`)
        await app.auth.attempts.unlock(account.id)
        return `${email} can log in from everywhere again.`
      },
    })
    app.jobs.every('auth.purgeAttempts', 3600, app.auth.attempts.purge)
  },
  {
    name: 'auth.service',
    dependencies: ['users.service', 'jwt', 'limits', 'password', 'revocation'],
  },
)
