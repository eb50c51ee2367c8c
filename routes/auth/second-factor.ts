import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import type { PasskeyAnswer } from 'birdhouse/schemas'
import { and, eq } from 'drizzle-orm'
import { isTotp, plainCode, recoveryHash } from './codes.ts'
import { createFactors } from './factors.ts'
import { createChallenges } from './passkeys/challenges.ts'
import { createPasskeys } from './passkeys/passkeys.ts'
import { createTotp } from './totp.ts'

declare module 'fastify' {
  interface EventPayloads {
    'auth.secondFactorChanged': { userId: number; isOn: boolean }
    'auth.passkeysChanged': { userId: number; isAdded: boolean }
  }
}

const NotOn = createError(
  'SECOND_FACTOR_OFF',
  'The second factor is off; there is nothing to switch off.',
  409,
)
type Within = (tx: Tx) => Promise<unknown>
/** One of both; the passkey is checked if both are there. */
export type FactorProof = { code?: string | undefined; passkey?: PasskeyAnswer | undefined }

/** Time-based codes (RFC 6238), recovery codes and passkeys; each is accepted once. */
export function createSecondFactor(app: FastifyInstance) {
  const { secondFactors: table, recoveryCodes } = app.tables
  const challenges = createChallenges(app)
  const factors = createFactors(app, challenges)
  const passkeys = createPasskeys(app, challenges, factors)
  const { use: useTotp, ...setUp } = createTotp(app, factors)

  async function state(userId: number) {
    const { totp, isOn } = await factors.of(userId)
    return {
      isOn,
      hasApp: totp !== undefined,
      passkeys: (await passkeys.list(userId)).length,
      recoveryCodesLeft: await app.db.$count(recoveryCodes, eq(recoveryCodes.userId, userId)),
    }
  }

  /**
   * Uses the code or the answer up. `right` where the factor is off.
   * @throws SecondFactorUnavailable, PasskeysUnavailable
   */
  async function check(userId: number, { code, passkey }: FactorProof) {
    const { totp, isOn } = await factors.of(userId)
    if (!isOn) return 'right'
    if (passkey) return outcome(await passkeys.use(userId, passkey))
    if (code === undefined) return 'missing'
    const plain = plainCode(code)
    if (!isTotp(plain)) return outcome(await useRecoveryCode(userId, plain))
    return outcome(totp !== undefined && (await useTotp(totp, plain)))
  }

  async function useRecoveryCode(userId: number, code: string) {
    const [{ affectedRows }] = await app.db
      .delete(recoveryCodes)
      .where(and(eq(recoveryCodes.userId, userId), eq(recoveryCodes.hash, recoveryHash(code))))
    return affectedRows > 0
  }

  /**
   * Deletes app and passkeys. Credentials are the caller's to check; `within` runs last in the transaction.
   * @throws SecondFactorOff
   */
  async function switchOff(userId: number, within: Within = async () => {}) {
    await app.transaction(async (tx) => {
      await app.users.states.lock(tx, userId)
      const { isOn } = await factors.of(userId, tx)
      if (!isOn) throw new NotOn()
      await tx.delete(table).where(eq(table.userId, userId))
      await passkeys.erase(userId, tx)
      await factors.switchOff(tx, userId)
      await within(tx)
    })
  }

  async function erase(userId: number) {
    const eraseIn = async (tx: Tx) => {
      await tx.delete(table).where(eq(table.userId, userId))
      await passkeys.erase(userId, tx)
      await tx.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId))
    }
    await app.transaction(eraseIn)
  }

  return {
    ...setUp,
    state,
    check,
    switchOff,
    erase,
    passkeys,
    purge: challenges.purge,
  }
}

const outcome = (isRight: boolean) => (isRight ? 'right' : 'wrong')
