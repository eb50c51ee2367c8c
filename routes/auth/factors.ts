import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNotNull, isNull } from 'drizzle-orm'
import { newRecoveryCodes, recoveryHash } from './codes.ts'
import type { createChallenges } from './passkeys/challenges.ts'

/** The second factor of an account is on while it has an authenticator app or a passkey; recovery codes belong to both. */
export function createFactors(
  app: FastifyInstance,
  challenges: ReturnType<typeof createChallenges>,
) {
  const { users, secondFactors, recoveryCodes, passkeys } = app.tables

  /** Finds the factors of the account by one statement, because each login asks. */
  async function of(userId: number, db: Db | Tx = app.db) {
    const isConfirmed = isNotNull(secondFactors.confirmedAt)
    const [row] = await db
      .select({ totp: secondFactors, passkeyId: passkeys.id })
      .from(users)
      .leftJoin(secondFactors, and(eq(secondFactors.userId, users.id), isConfirmed))
      .leftJoin(passkeys, eq(passkeys.userId, users.id))
      .where(eq(users.id, userId))
      .limit(1)
    const totp = row?.totp ?? undefined
    return { totp, isOn: totp !== undefined || typeof row?.passkeyId === 'number' }
  }

  /** Replaces the recovery codes and returns the new ones. Ends what was begun by the password alone. */
  async function switchOn(tx: Tx, userId: number) {
    const codes = newRecoveryCodes()
    await tx.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId))
    await tx
      .insert(recoveryCodes)
      .values(codes.map((code) => ({ userId, hash: recoveryHash(code) })))
    await challenges.revokeRegistrations(userId, tx)
    await tx
      .delete(secondFactors)
      .where(and(eq(secondFactors.userId, userId), isNull(secondFactors.confirmedAt)))
    await app.events.emit(tx, 'auth.secondFactorChanged', { userId, isOn: true })
    return codes
  }

  async function switchOff(tx: Tx, userId: number) {
    await tx.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId))
    await app.events.emit(tx, 'auth.secondFactorChanged', { userId, isOn: false })
  }

  return { of, switchOn, switchOff }
}

export type Factors = ReturnType<typeof createFactors>
