import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import type { PasskeyAnswer } from 'birdhouse/schemas'
import { and, eq, isNotNull, isNull, lt, sql } from 'drizzle-orm'
import { isTotp, newSecret, plainCode, recoveryHash, stepOf, urlOf } from './codes.ts'
import { createFactors, type Factors } from './factors.ts'
import { createChallenges } from './passkeys/challenges.ts'
import { createPasskeys } from './passkeys/passkeys.ts'
import { createSealing } from './sealing.ts'

declare module 'fastify' {
  interface EventPayloads {
    'auth.secondFactorChanged': { userId: number; isOn: boolean }
    'auth.passkeysChanged': { userId: number; isAdded: boolean }
  }
}

const Unavailable = createError(
  'SECOND_FACTOR_UNAVAILABLE',
  'This server has no key for second factors; its operator must set SECOND_FACTOR_KEYS. A recovery code can be used meanwhile.',
  503,
)
const AlreadyOn = createError(
  'SECOND_FACTOR_ON',
  'An authenticator app is set up; switch the second factor off before you set up another.',
  409,
)
const NotOn = createError(
  'SECOND_FACTOR_OFF',
  'The second factor is off; there is nothing to switch off.',
  409,
)
const NotStarted = createError(
  'SECOND_FACTOR_NOT_STARTED',
  'No set-up of a second factor waits for a code; start one with POST /v1/auth/second-factor.',
  409,
)
export const WrongCode = createError(
  'WRONG_SECOND_FACTOR',
  'The code or the answer of the passkey is wrong, too old or used already; send the next code of the authenticator app, an unused recovery code, or the answer to new options.',
  403,
)

type Totp = NonNullable<Awaited<ReturnType<Factors['of']>>['totp']>
type Within = (tx: Tx) => Promise<unknown>
/** One of both; the passkey is checked if both are there. */
export type FactorProof = { code?: string | undefined; passkey?: PasskeyAnswer | undefined }

/** Time-based codes (RFC 6238), recovery codes and passkeys; each is accepted once. */
export function createSecondFactor(app: FastifyInstance) {
  const { secondFactors: table, recoveryCodes } = app.tables
  const sealing = createSealing(app.config.secondFactorKeys)
  const challenges = createChallenges(app)
  const factors = createFactors(app, challenges)
  const passkeys = createPasskeys(app, challenges, factors)
  const pendingOf = (userId: number) => and(eq(table.userId, userId), isNull(table.confirmedAt))
  const activeOf = (userId: number) => and(eq(table.userId, userId), isNotNull(table.confirmedAt))

  /** @throws SecondFactorUnavailable */
  function seal(secret: string, userId: number) {
    const sealed = sealing.seal(secret, userId)
    if (sealed === undefined) throw new Unavailable()
    return sealed
  }

  /** @throws SecondFactorUnavailable */
  function open(sealed: string, userId: number) {
    const opened = sealing.open(sealed, userId)
    if (!opened) throw new Unavailable()
    return opened
  }

  /** @throws SecondFactorUnavailable */
  const assertAvailable = () => void seal('', 0)

  /** Starts a set-up, in place of one that was not confirmed. @throws SecondFactorUnavailable, SecondFactorOn */
  async function start(userId: number) {
    const secret = newSecret()
    const sealed = seal(secret, userId)
    const { email } = await app.users.getOwn(userId)
    const [inserted] = await app.db.insert(table).ignore().values({ userId, sealed })
    if (inserted.affectedRows === 0) {
      const [updated] = await app.db.update(table).set({ sealed }).where(pendingOf(userId))
      if (updated.affectedRows === 0) throw new AlreadyOn()
    }
    return { secret, url: urlOf(secret, email) }
  }

  /**
   * Switches the factor on and returns new recovery codes; `within` runs last in the transaction.
   * @throws NotStarted, WrongCode, SecondFactorUnavailable
   */
  async function confirm(userId: number, code: string, within: Within = async () => {}) {
    const [row] = await app.db.select().from(table).where(pendingOf(userId))
    if (!row) throw new NotStarted()
    const lastStep = stepOf(open(row.sealed, userId).plain, plainCode(code))
    if (lastStep === undefined) throw new WrongCode()
    return app.transaction(async (tx) => {
      await app.users.states.lock(tx, userId)
      const [{ affectedRows }] = await tx
        .update(table)
        .set({ confirmedAt: sql`NOW(3)`, lastStep })
        .where(and(pendingOf(userId), eq(table.sealed, row.sealed)))
      // Another request confirmed first, or started again.
      if (affectedRows === 0) throw new NotStarted()
      const codes = await factors.switchOn(tx, userId)
      await within(tx)
      return codes
    })
  }

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
    return code === undefined ? 'missing' : outcome(await useCode(userId, totp, plainCode(code)))
  }

  async function useCode(userId: number, totp: Totp | undefined, code: string) {
    if (!isTotp(code)) return useRecoveryCode(userId, code)
    return totp !== undefined && useTotp(totp, code)
  }

  async function useTotp({ userId, sealed }: Totp, code: string) {
    const { plain, isNewest } = open(sealed, userId)
    const step = stepOf(plain, code)
    if (step === undefined) return false
    const renewed = isNewest ? {} : { sealed: seal(plain, userId) }
    const [{ affectedRows }] = await app.db
      .update(table)
      .set({ lastStep: step, ...renewed })
      .where(and(activeOf(userId), eq(table.sealed, sealed), lt(table.lastStep, step)))
    return affectedRows > 0
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
      await tx.delete(table).where(activeOf(userId))
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
    assertAvailable,
    start,
    confirm,
    state,
    check,
    switchOff,
    erase,
    passkeys,
    purge: challenges.purge,
  }
}

const outcome = (isRight: boolean) => (isRight ? 'right' : 'wrong')
