import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import { eq, inArray, sql } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { Type } from 'typebox'
import { addExports } from './exports.ts'
import { addJobs } from './jobs.ts'
import { messageWith, type Notice, noticeOf } from './messages.ts'
import type {} from './tables.ts'
import { type Account, bindingOf, createTokens, InvalidMailToken, type Purpose } from './tokens.ts'

declare module 'fastify' {
  interface FastifyInstance {
    accountMail: ReturnType<typeof createAccountMail>
  }
  interface EventPayloads {
    'auth.emailChanged': { userId: number; from: string }
  }
  interface JobPayloads {
    'accountMail.verify': { userId: number }
    'accountMail.reset': { email: string }
    /** `binding` is that of the account at the request, as base64url. */
    'accountMail.change': { userId: number; email: string; binding: string }
    'accountMail.exportAsked': EventPayloads['exports.asked']
    'accountMail.factorChanged': EventPayloads['auth.secondFactorChanged']
    'accountMail.passkeysChanged': EventPayloads['auth.passkeysChanged']
    'accountMail.newNetwork': EventPayloads['auth.newNetwork']
    'accountMail.passwordChanged': EventPayloads['auth.passwordChanged']
    'accountMail.emailChanged': EventPayloads['auth.emailChanged']
    'accountMail.purge': object
  }
}

const NoMail = createError(
  'NO_MAIL',
  'This server sends no mail; ask its operator to change the account.',
  503,
)

type Proof = Parameters<FastifyInstance['auth']['assertOwnPassword']>[1]

function createAccountMail(app: FastifyInstance) {
  const { verifiedEmails } = app.tables
  const tokens = createTokens(app)
  const { address } = app.config
  const page = app.config['account-mail'].ACCOUNT_PAGE_URL
  const forms = new Map<Purpose, string>()

  /** Mails of this purpose name the page at `path`, on which their token is typed, unless an app has a page for it. */
  const addForm = (purpose: Purpose, path: string) => void forms.set(purpose, path)

  /** @throws NoMail */
  function assertOn() {
    if (!app.mail.isOn) throw new NoMail()
  }

  /** The token exists in the mail alone: a job that runs again sends another. */
  async function sendToken(account: Account, purpose: Purpose, email: string) {
    const token = await tokens.issue(account, purpose, email)
    const path = forms.get(purpose)
    const form = address && path && `${address}${path}`
    await app.mail.send({ to: email, ...messageWith(purpose, token, { page, form }) })
  }

  /** Bounds the mails that reach one address, whoever asks. @throws TooManyRequests */
  const spendFor = (email: string) => app.limits.spend('mail', 'account', `to ${email}`)

  /** Sends a mail by which the owner proves to read the account's address. @throws NoMail */
  async function askToVerify(userId: number) {
    assertOn()
    await app.transaction((tx) => app.jobs.add(tx, ['accountMail.verify'], { userId }))
  }

  async function setVerified(tx: Tx, userId: number, email: string) {
    const row = { userId, email, verifiedAt: sql`NOW(3)` }
    await tx.insert(verifiedEmails).values(row).onDuplicateKeyUpdate({ set: row })
  }

  /** @throws InvalidMailToken */
  const verify = (token: string) =>
    app.transaction(async (tx) => {
      const { account, email } = await tokens.redeem(tx, 'verification', token)
      await setVerified(tx, account.id, email)
    })

  /**
   * Sends a mail to the account with this address, if there is one; the job looks for the account, so that neither
   * answer nor time tell. @throws NoMail, TooManyRequests
   */
  async function askToReset(email: string) {
    assertOn()
    const address = email.toLowerCase()
    await spendFor(address)
    await app.transaction((tx) => app.jobs.add(tx, ['accountMail.reset'], { email: address }))
  }

  /** @throws InvalidMailToken, 400 for a weak password */
  async function reset({ token, newPassword }: { token: string; newPassword: string }) {
    const { userId } = await tokens.ownerOf('reset', token)
    await app.auth.assertStrong('newPassword', newPassword, await app.users.getOwn(userId))
    await app.auth.resetPassword(userId, newPassword, async (tx) => {
      await tokens.redeem(tx, 'reset', token)
      await tokens.revoke(userId, tx)
    })
  }

  /**
   * Sends a mail to the new address, which the account gets once the mail is answered. The answer does not tell
   * whether another account has the address.
   * @throws NoMail, WrongPassword, TooManyFailures, TooManyRequests, 400 for the same address
   */
  async function askToChange(
    userId: number,
    { email, ...proof }: { email: string } & Proof,
    address: string,
  ) {
    assertOn()
    const account = await app.auth.assertOwnPassword(userId, proof, address)
    const wanted = email.toLowerCase()
    if (account.email === wanted)
      throw app.errors.invalidField('email', 'is the address of your account already')
    await app.auth.assertEmailAllowed(wanted)
    await spendFor(wanted)
    const binding = bindingOf(account).toString('base64url')
    await app.transaction((tx) =>
      app.jobs.add(tx, ['accountMail.change'], { userId, email: wanted, binding }),
    )
  }

  /** @throws InvalidMailToken, EmailTaken, and what checks of addresses throw */
  const change = (token: string) =>
    app.transaction(async (tx) => {
      const { account, email } = await tokens.redeem(tx, 'change', token)
      await app.auth.assertEmailAllowed(email)
      const { id: userId, email: from } = account
      if (!from || !(await app.users.setEmail(tx, userId, from, email)))
        throw new InvalidMailToken()
      await tokens.revoke(userId, tx)
      await setVerified(tx, userId, email)
      app.securityLog('user_updated', { userId, email }, tx)
      await app.events.emit(tx, 'auth.emailChanged', { userId, from })
    })

  /** Writes to the account's address, or to `email`; an account that is gone gets no mail. */
  async function notify({ email, ...notice }: Notice) {
    const account = await app.users.credentials({ id: notice.userId })
    const to = email ?? account?.email
    if (account && to) await app.mail.send({ to, ...noticeOf(notice) })
  }

  /** Returns the ids of the users whose current address is verified. */
  async function verifiedAmong(userIds: number[]) {
    const { users } = app.tables
    const rows = await app.db
      .select({ userId: users.id })
      .from(verifiedEmails)
      .innerJoin(
        users,
        sql`${users.id} = ${verifiedEmails.userId} AND ${users.email} = ${verifiedEmails.email}`,
      )
      .where(inArray(users.id, userIds))
    return new Set(rows.map(({ userId }) => userId))
  }

  async function erase(userId: number) {
    await tokens.revoke(userId)
    await app.db.delete(verifiedEmails).where(eq(verifiedEmails.userId, userId))
  }

  return {
    addForm,
    askToVerify,
    verify,
    askToReset,
    reset,
    askToChange,
    change,
    notify,
    sendToken,
    verifiedAmong,
    erase,
    purge: tokens.purge,
  }
}

export default fp(
  async (app) => {
    app.decorate('accountMail', createAccountMail(app))
    addJobs(app)
    addExports(app)
    app.users.addEraser(app.accountMail.erase)
    app.resources.addField(['OwnUser'], 'emailVerified', {
      schema: Type.Optional(
        Type.Boolean({ description: 'Whether you have confirmed your e-mail address.' }),
      ),
      read: async (ids) => {
        const verified = await app.accountMail.verifiedAmong(ids)
        return new Map(ids.map((id) => [id, verified.has(id)]))
      },
    })
  },
  { name: 'account-mail.service', dependencies: ['auth.service', 'users.service', 'mail'] },
)
