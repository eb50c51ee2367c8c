import type { FastifyInstance, Tx } from 'birdhouse'
import type { createLoginAttempts } from './login-attempts.ts'
import type { isGuessable } from './password-rules.ts'
import type { Client, createSessions } from './sessions.ts'

export type SignUp = {
  name: string
  email: string
  password: string
  profile?: string | undefined
  handle?: string | undefined
  invitation?: string | undefined
  acceptedTerms?: string | undefined
}
/** `address` is the client's. */
type SignUpRequest = Omit<SignUp, 'password'> & { address: string }
type SignUpRule = {
  /** Runs before the password is hashed; an error refuses the sign-up. */
  before?: (request: SignUpRequest) => Promise<void>
  /** Runs in the transaction that has created the account; an error refuses the sign-up. */
  within?: (tx: Tx, userId: number, request: SignUpRequest) => Promise<void>
}
type EmailCheck = (email: string) => Promise<void>
type AssertStrong = (
  field: string,
  password: string,
  words: Parameters<typeof isGuessable>[1],
) => Promise<void>

export function createSignUps(
  app: FastifyInstance,
  sessions: ReturnType<typeof createSessions>,
  attempts: ReturnType<typeof createLoginAttempts>,
  assertStrong: AssertStrong,
) {
  const rules: SignUpRule[] = []
  const emailChecks: EmailCheck[] = []

  /** Adds a condition that every sign-up must meet. */
  const addSignUpRule = (rule: SignUpRule) => void rules.push(rule)

  /** Adds a check of e-mail addresses, at a sign-up and at a change: an error refuses the address. */
  const addEmailCheck = (check: EmailCheck) => void emailChecks.push(check)

  /** @throws what the checks throw */
  async function assertEmailAllowed(email: string) {
    for (const check of emailChecks) await check(email)
  }

  async function assertAllowed(request: SignUpRequest) {
    await assertEmailAllowed(request.email)
    for (const { before } of rules) await before?.(request)
  }

  /** Returns undefined in place of the result of `open` if the account must be approved first. */
  async function create<T>(
    { password, ...input }: SignUp,
    address: string,
    open: (userId: number, tx: Tx) => Promise<T>,
  ) {
    const { invitation: _, acceptedTerms: __, ...account } = input
    const origin = { account: input.email, address: app.networkOf(address) }
    const passwordHash = await app.password.hash(password, origin)
    return app.transaction(async (tx) => {
      const id = await app.users.create({ ...account, passwordHash }, tx)
      for (const { within } of rules) await within?.(tx, id, { ...input, address })
      await attempts.succeed(id, address, tx)
      await app.events.emit(tx, 'auth.signedUp', { userId: id })
      app.securityLog('user_created', { userId: id, address }, tx)
      const created = await app.users.states.lock(tx, id)
      return { id, opened: created.waitingSince ? undefined : await open(id, tx) }
    })
  }

  /**
   * Creates an account without a session; `anyPassword` allows weak ones, as the original API does.
   * @throws EmailTaken, HandleTaken, 400 for a weak password, and what rules throw
   */
  async function register(input: SignUp, address: string, { anyPassword = false } = {}) {
    await assertAllowed({ ...input, address })
    if (!anyPassword) await assertStrong('password', input.password, input)
    const { id, opened } = await create(input, address, async () => true)
    return { id, isWaiting: opened === undefined }
  }

  /**
   * Creates an account and signs in, unless the account must be approved first.
   * @throws EmailTaken, HandleTaken, 400 for a weak password, and what rules throw
   */
  async function signUp(input: SignUp, client: Client) {
    await assertAllowed({ ...input, address: client.ip })
    await assertStrong('password', input.password, input)
    const { id, opened } = await create(input, client.ip, (userId, tx) =>
      sessions.open(userId, client, tx),
    )
    if (!opened) return { id, state: 'waiting' as const }
    return { user: await app.users.getOwn(id), ...opened, state: undefined }
  }

  return { addSignUpRule, addEmailCheck, assertEmailAllowed, register, signUp }
}
