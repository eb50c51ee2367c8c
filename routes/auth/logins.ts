import createError from '@fastify/error'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import type { createCredentialCheck, Proof } from './credential-check.ts'
import type { createLoginAttempts } from './login-attempts.ts'
import type { Client, createSessions } from './sessions.ts'

const WrongCredentials = createError(
  'WRONG_CREDENTIALS',
  'The e-mail address or the password is wrong; check both.',
  401,
)

type Account = NonNullable<Awaited<ReturnType<FastifyInstance['users']['credentials']>>>
type LoginCheck = (account: Pick<Account, 'id' | 'suspendedAt' | 'waitingSince'>) => Promise<void>
type Credentials = { email: string } & Proof

export function createLogins(
  app: FastifyInstance,
  sessions: ReturnType<typeof createSessions>,
  attempts: ReturnType<typeof createLoginAttempts>,
  check: ReturnType<typeof createCredentialCheck>,
) {
  const checks: LoginCheck[] = []

  /** Adds a check of accounts whose password is right: an error refuses the login. */
  const addLoginCheck = (check: LoginCheck) => void checks.push(check)

  async function assertMayLogIn(account: Account) {
    for (const check of checks) await check(account)
    return account
  }

  /**
   * Returns the id of the account with these credentials. An unknown address takes as long as a wrong
   * password, so that the time does not reveal who has an account. `address` is the client's.
   * @throws WrongCredentials, SecondFactorRequired, WrongSecondFactor, TooManyFailures, TooManyRequests, and what
   * login checks throw
   */
  async function checkCredentials(email: string, password: string, address: string, code?: string) {
    const account = await assertMayLogIn(await checkedAccount({ email, password, code }, address))
    await assertMayLogIn(await assertUnchanged(account, password))
    return account.id
  }

  /**
   * Returns the account as it is now: the check of a password takes time.
   * @throws WrongCredentials if the password has changed or the account is deleted
   */
  async function assertUnchanged(
    { id, passwordHash }: Pick<Account, 'id' | 'passwordHash'>,
    password: string,
    db: Db | Tx = app.db,
  ) {
    const current = await app.users.credentials({ id }, db)
    // A simultaneous login may have renewed the hash of the same password.
    const isSame =
      current?.passwordHash === passwordHash ||
      (await app.password.verify(password, current?.passwordHash))
    if (!current || !isSame) throw new WrongCredentials()
    return current
  }

  /** Like `checkCredentials`, without login checks: the account may be suspended. */
  async function ownerOf(credentials: Credentials, address: string) {
    return (await checkedAccount(credentials, address)).id
  }

  async function checkedAccount({ email, ...proof }: Credentials, address: string) {
    attempts.assertNotRefused(email, address)
    const account = await app.users.credentials({ email })
    const right = await check({ id: account?.id, email }, account, proof, address, 'login')
    if (!account || !right) {
      app.securityLog('authn_login_fail', {
        email,
        address,
        ...(account && { userId: account.id }),
      })
      throw new WrongCredentials()
    }
    if (!app.password.needsRehash(account.passwordHash)) return account
    return { ...account, passwordHash: await renewHash(account, proof.password) }
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

  /** @throws as `checkCredentials` */
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
    const account = await assertMayLogIn(await checkedAccount(credentials, client.ip))
    const { id } = account
    return app.transaction(async (tx) => {
      // From here on a change waits, because the session's foreign key locks the account.
      const opened = await open(id, client, tx).catch(async (error) => {
        // Deleted or suspended since the password was checked.
        if (error.code !== 'USER_NOT_FOUND') throw error
        const now = await app.users.credentials({ id }, tx)
        if (now) await assertMayLogIn(now)
        throw new WrongCredentials()
      })
      await assertUnchanged(account, credentials.password, tx)
      app.securityLog('authn_login_success', { userId: id, address: client.ip }, tx)
      return { userId: id, opened }
    })
  }

  return { checkCredentials, ownerOf, addLoginCheck, login, loginFor }
}
