import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import type { createLoginAttempts } from './login-attempts.ts'
import type { Client, createSessions } from './sessions.ts'

const WrongCredentials = createError(
  'WRONG_CREDENTIALS',
  'The e-mail address or the password is wrong; check both.',
  401,
)

type Credentials = { email: string; password: string }

export function createLogins(
  app: FastifyInstance,
  sessions: ReturnType<typeof createSessions>,
  attempts: ReturnType<typeof createLoginAttempts>,
) {
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
    if (!account || !right) {
      app.securityLog('authn_login_fail', {
        email,
        address,
        ...(account && { userId: account.id }),
      })
      throw new WrongCredentials()
    }
    if (!app.password.needsRehash(account.passwordHash)) return account
    return { ...account, passwordHash: await renewHash(account, password) }
  }

  /** Returns the account's hash. A login succeeds even when the hash cannot be renewed, such as on a busy server. */
  async function renewHash(account: { id: number; passwordHash: string }, password: string) {
    try {
      const hash = await app.password.hash(password)
      if (await app.users.setPasswordHash(account.id, account.passwordHash, hash)) return hash
    } catch (err) {
      app.log.warn({ err }, 'password hash not renewed; the next login tries again')
    }
    return account.passwordHash
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

  /** Opens a session unless the password changed since it was checked: a change ends only earlier sessions. */
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
      app.securityLog('authn_login_success', { userId: id, address: client.ip }, tx)
      return { userId: id, opened }
    })
  }

  return { checkCredentials, login, loginFor }
}
