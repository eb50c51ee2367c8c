import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNull, lt, sql } from 'drizzle-orm'
import { hashOf, newSecret } from './secrets.ts'

/** Seconds to read the page of consent, and to type a code that is shown on a page. */
const LIFE = 600

export type Grant = {
  appId: number
  userId: number
  redirectUri: string
  scopes: string
  challenge: string | null
  /** The hash of the account's password hash at the consent. */
  binding: Buffer | null
}

/** Changes with the password. */
export const bindingTo = ({ passwordHash }: { passwordHash: string }) => hashOf(passwordHash)

/** Consents that a person is asked for, and codes that an app exchanges for a token; each is valid once. */
export function createCodes(app: FastifyInstance) {
  const { mastodonCodes: codes } = app.tables

  async function issue(grant: Grant, isConsent: boolean, secret = newSecret()) {
    const expiresAt = sql`NOW(3) + INTERVAL ${LIFE} SECOND`
    const row = { ...grant, hash: hashOf(secret), isConsent, expiresAt }
    await app.db.insert(codes).values(row)
    return secret
  }

  async function find(secret: string, isConsent: boolean) {
    const [row] = await app.db
      .select()
      .from(codes)
      .where(
        and(
          eq(codes.hash, hashOf(secret)),
          eq(codes.isConsent, isConsent),
          sql`${codes.expiresAt} > NOW(3)`,
        ),
      )
    return row && (await isBound(row)) ? row : undefined
  }

  /** False after the password has changed, or the account was deleted. */
  async function isBound({ userId, binding }: Pick<Grant, 'userId' | 'binding'>, db?: Tx) {
    const account = await app.users.credentials({ id: userId }, db)
    return account !== undefined && binding !== null && bindingTo(account).equals(binding)
  }

  /** Returns true once. */
  async function spend(secret: string) {
    const unspent = and(eq(codes.hash, hashOf(secret)), isNull(codes.spentAt))
    const [{ affectedRows }] = await app.db
      .update(codes)
      .set({ spentAt: sql`NOW(3)` })
      .where(unspent)
    return affectedRows === 1
  }

  /** Notes the session that a code has opened. */
  const noteSession = async (tx: Tx, secret: string, sessionId: number) =>
    void (await tx
      .update(codes)
      .set({ sessionId })
      .where(eq(codes.hash, hashOf(secret))))

  const purge = async () =>
    void (await app.deleteInBatches(codes, lt(codes.expiresAt, sql`NOW(3)`)))

  return { issue, find, isBound, spend, noteSession, purge, life: LIFE }
}
