import createError from '@fastify/error'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import type { createCredentialCheck, Proof } from './credential-check.ts'
import type { createLoginAttempts } from './login-attempts.ts'
import { createLoginTickets } from './login-tickets.ts'
import type { FactorProof } from './second-factor.ts'
import type { Client, createSessions } from './sessions.ts'

const WrongCredentials = createError(
  'WRONG_CREDENTIALS',
  'The e-mail address or the password is wrong; check both.',
  401,
)

const LoginExpired = createError(
  'LOGIN_EXPIRED',
  'The login took longer than five minutes, or the password has changed; start again.',
  401,
)

type Account = NonNullable<Awaited<ReturnType<FastifyInstance['users']['credentials']>>>
type LoginCheck = (account: Pick<Account, 'id' | 'suspendedAt' | 'waitingSince'>) => Promise<void>
type Credentials = { email: string } & Proof
/** The second step of a login. */
type Ticketed = { ticket: string; code: string }

export function createLogins(
  app: FastifyInstance,
  sessions: ReturnType<typeof createSessions>,
  attempts: ReturnType<typeof createLoginAttempts>,
  check: ReturnType<typeof createCredentialCheck>,
) {
  const checks: LoginCheck[] = []
  const tickets = createLoginTickets(app.config.jwtSecrets)

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
  async function checkCredentials(
    email: string,
    password: string,
    address: string,
    proof: FactorProof = {},
  ) {
    const credentials = { email, password, ...proof }
    const account = await assertMayLogIn(await checkedAccount(credentials, address))
    await assertMayLogIn(await assertUnchanged(account, password))
    return account.id
  }

  /**
   * Returns the account as it is now: the check of a password takes time.
   * @throws WrongCredentials if the password has changed or the account is deleted
   */
  async function assertUnchanged(
    { id, passwordHash }: Pick<Account, 'id' | 'passwordHash'>,
    password: string | undefined,
    db: Db | Tx = app.db,
  ) {
    const current = await app.users.credentials({ id }, db)
    // A simultaneous login may have renewed the hash of the same password.
    const isSame =
      current?.passwordHash === passwordHash ||
      (password !== undefined && (await app.password.verify(password, current?.passwordHash)))
    if (!current || !isSame) throw new WrongCredentials()
    return current
  }

  /** Like `checkCredentials`, without login checks: the account may be suspended. */
  async function ownerOf(credentials: Credentials, address: string) {
    return (await checkedAccount(credentials, address)).id
  }

  /**
   * Returns the id of the account whose password is right and whose second factor is left to check; undefined for an
   * account without one. @throws as `ownerOf`
   */
  async function ownerBeforeFactor(
    credentials: { email: string; password: string },
    address: string,
  ) {
    try {
      await checkedAccount(credentials, address)
    } catch (error) {
      const { ticket } = error as { ticket?: string }
      if (ticket) return tickets.claimedBy(ticket)
      throw error
    }
    return undefined
  }

  async function checkedAccount({ email, ...proof }: Credentials, address: string) {
    attempts.assertNotRefused(email, address)
    const account = await app.users.credentials(named(email))
    const claimed = { id: account?.id, email }
    const right = await check(claimed, account, proof, address, 'login').catch((error) => {
      // Thrown after the right password of an account.
      const isHalf = account && error.code === 'SECOND_FACTOR_REQUIRED'
      throw isHalf ? Object.assign(error, { ticket: tickets.issue(account) }) : error
    })
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

  /** @throws LoginExpired, WrongSecondFactor, TooManyFailures, TooManyRequests */
  async function ticketedAccount({ ticket, code }: Ticketed, address: string) {
    const id = tickets.claimedBy(ticket)
    const account = await app.users.credentials({ id })
    if (!account || !tickets.isValid(ticket, account)) throw new LoginExpired()
    await check({ id }, account, { isPasswordChecked: true, code }, address, 'login')
    return account
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

  /**
   * Logs in for an app with tokens of its own, which `within` stores. Instead of an e-mail address, `email` may be a
   * handle. The error SECOND_FACTOR_REQUIRED has a `ticket`, which takes the place of the password for five minutes.
   * @throws as `login`, and LoginExpired for a ticket
   */
  const loginForApp = (
    credentials: Credentials | Ticketed,
    client: Client & { app: string },
    within: (tx: Tx, userId: number, sessionId: number) => Promise<unknown>,
  ) =>
    openChecked(credentials, client, async (userId, _client, tx) => {
      await within(tx, userId, await sessions.openForApp(userId, client, tx))
    })

  /** Opens a session unless the password changed since it was checked: a change ends only earlier sessions. */
  async function openChecked<T>(
    credentials: Credentials | Ticketed,
    client: Client,
    open: (userId: number, client: Client, tx: Tx) => Promise<T>,
  ) {
    const checked = await ('ticket' in credentials
      ? ticketedAccount(credentials, client.ip)
      : checkedAccount(credentials, client.ip))
    const account = await assertMayLogIn(checked)
    const { id } = account
    const password = 'ticket' in credentials ? undefined : credentials.password
    return app.transaction(async (tx) => {
      // From here on a change waits, because the session's foreign key locks the account.
      const opened = await open(id, client, tx).catch(async (error) => {
        // Deleted or suspended since the password was checked.
        if (error.code !== 'USER_NOT_FOUND') throw error
        const now = await app.users.credentials({ id }, tx)
        if (now) await assertMayLogIn(now)
        throw new WrongCredentials()
      })
      await assertUnchanged(account, password, tx)
      app.securityLog('authn_login_success', { userId: id, address: client.ip }, tx)
      return { userId: id, opened }
    })
  }

  return {
    checkCredentials,
    ownerOf,
    ownerBeforeFactor,
    addLoginCheck,
    login,
    loginFor,
    loginForApp,
  }
}

/** Handles have no `@` of their own; people write one before them. */
const named = (text: string) => {
  const [, handle] = /^@?(\w{1,30})$/.exec(text.trim()) ?? []
  return handle === undefined ? { email: text } : { handle: handle.toLowerCase() }
}
