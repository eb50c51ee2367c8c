import { createHash, randomBytes } from 'node:crypto'
import createError from '@fastify/error'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, gt, lt, sql } from 'drizzle-orm'

export type Purpose = 'verification' | 'reset' | 'change'

/** Minutes. */
export const TOKEN_LIFE = 30

export const InvalidMailToken = createError(
  'INVALID_MAIL_TOKEN',
  `This token is wrong, was used, was replaced by a newer mail, or is older than ${TOKEN_LIFE} minutes; ask for a new mail.`,
  400,
)

const digest = (token: string) => createHash('sha256').update(token).digest()

export type Account = { id: number; email: string | null; passwordHash: string }

/** Changes with the account's e-mail address and with its password. */
export const bindingOf = ({ email, passwordHash }: Account) => digest(`${email}\n${passwordHash}`)

/** Tokens that prove that the owner of an account reads the mails of an address. */
export function createTokens(app: FastifyInstance) {
  const { mailTokens: table } = app.tables
  const valid = (purpose: Purpose, token: string) =>
    and(eq(table.hash, digest(token)), eq(table.purpose, purpose), gt(table.expiresAt, sql`NOW(3)`))

  /** Returns a new token, which replaces the account's earlier one of this purpose. */
  async function issue(account: Account, purpose: Purpose, email: string) {
    const token = randomBytes(32).toString('base64url')
    const values = {
      hash: digest(token),
      email,
      binding: bindingOf(account),
      expiresAt: sql`NOW(3) + INTERVAL ${TOKEN_LIFE} MINUTE`,
    }
    await app.db
      .insert(table)
      .values({ userId: account.id, purpose, ...values })
      .onDuplicateKeyUpdate({ set: values })
    return token
  }

  /** Says whom the token is for, and leaves it valid. @throws InvalidMailToken */
  async function ownerOf(purpose: Purpose, token: string, db: Db | Tx = app.db) {
    const [row] = await db
      .select({ userId: table.userId, email: table.email, binding: table.binding })
      .from(table)
      .where(valid(purpose, token))
    if (!row) throw new InvalidMailToken()
    return row
  }

  /**
   * Uses the token up and locks its account; of simultaneous uses, one succeeds.
   * @throws InvalidMailToken, UserNotFound
   */
  async function redeem(tx: Tx, purpose: Purpose, token: string) {
    const { userId, email, binding } = await ownerOf(purpose, token, tx)
    await app.users.states.lock(tx, userId)
    const account = await app.users.credentials({ id: userId }, tx)
    const [{ affectedRows }] = await tx.delete(table).where(valid(purpose, token))
    if (!account || affectedRows === 0 || !binding.equals(bindingOf(account)))
      throw new InvalidMailToken()
    return { account, email }
  }

  /** Makes all tokens of an account invalid. */
  const revoke = async (userId: number, db: Db | Tx = app.db) =>
    void (await db.delete(table).where(eq(table.userId, userId)))

  const purge = () => app.deleteInBatches(table, lt(table.expiresAt, sql`NOW(3)`))

  return { issue, ownerOf, redeem, revoke, purge }
}
