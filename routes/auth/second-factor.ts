import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNotNull, isNull, lt, sql } from 'drizzle-orm'
import {
  isTotp,
  newRecoveryCodes,
  newSecret,
  plainCode,
  recoveryHash,
  stepOf,
  urlOf,
} from './codes.ts'
import { createSealing } from './sealing.ts'

declare module 'fastify' {
  interface EventPayloads {
    'auth.secondFactorChanged': { userId: number; isOn: boolean }
  }
}

const Unavailable = createError(
  'SECOND_FACTOR_UNAVAILABLE',
  'This server has no key for second factors; its operator must set SECOND_FACTOR_KEYS. A recovery code can be used meanwhile.',
  503,
)
const AlreadyOn = createError(
  'SECOND_FACTOR_ON',
  'The second factor is on; switch it off before you set up another.',
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
  'The code is wrong, too old or used already; send the next code of the authenticator app, or an unused recovery code.',
  403,
)

type Within = (tx: Tx) => Promise<unknown>

/** Time-based codes (RFC 6238) and recovery codes; each is accepted once. */
export function createSecondFactor(app: FastifyInstance) {
  const { secondFactors: factors, recoveryCodes } = app.tables
  const sealing = createSealing(app.config.secondFactorKeys)
  const pendingOf = (userId: number) => and(eq(factors.userId, userId), isNull(factors.confirmedAt))
  const activeOf = (userId: number) =>
    and(eq(factors.userId, userId), isNotNull(factors.confirmedAt))

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
    const [inserted] = await app.db.insert(factors).ignore().values({ userId, sealed })
    if (inserted.affectedRows === 0) {
      const [updated] = await app.db.update(factors).set({ sealed }).where(pendingOf(userId))
      if (updated.affectedRows === 0) throw new AlreadyOn()
    }
    return { secret, url: urlOf(secret, email) }
  }

  /**
   * Switches the factor on and returns recovery codes; `within` runs last in the transaction.
   * @throws NotStarted, WrongCode, SecondFactorUnavailable
   */
  async function confirm(userId: number, code: string, within: Within = async () => {}) {
    const [row] = await app.db.select().from(factors).where(pendingOf(userId))
    if (!row) throw new NotStarted()
    const lastStep = stepOf(open(row.sealed, userId).plain, plainCode(code))
    if (lastStep === undefined) throw new WrongCode()
    const codes = newRecoveryCodes()
    await app.transaction(async (tx) => {
      const [{ affectedRows }] = await tx
        .update(factors)
        .set({ confirmedAt: sql`NOW(3)`, lastStep })
        .where(and(pendingOf(userId), eq(factors.sealed, row.sealed)))
      // Another request confirmed first, or started again.
      if (affectedRows === 0) throw new NotStarted()
      await tx
        .insert(recoveryCodes)
        .values(codes.map((each) => ({ userId, hash: recoveryHash(each) })))
      await app.events.emit(tx, 'auth.secondFactorChanged', { userId, isOn: true })
      await within(tx)
    })
    return codes
  }

  async function state(userId: number) {
    const [row] = await app.db.select({ id: factors.userId }).from(factors).where(activeOf(userId))
    return {
      isOn: row !== undefined,
      recoveryCodesLeft: await app.db.$count(recoveryCodes, eq(recoveryCodes.userId, userId)),
    }
  }

  /** Uses the code up. `right` where the factor is off. @throws SecondFactorUnavailable */
  async function check(userId: number, given: string | undefined) {
    const [row] = await app.db.select().from(factors).where(activeOf(userId))
    if (!row) return 'right'
    if (given === undefined) return 'missing'
    const code = plainCode(given)
    const isRight = isTotp(code) ? await useTotp(row, code) : await useRecoveryCode(userId, code)
    return isRight ? 'right' : 'wrong'
  }

  async function useTotp({ userId, sealed }: typeof factors.$inferSelect, code: string) {
    const { plain, isNewest } = open(sealed, userId)
    const step = stepOf(plain, code)
    if (step === undefined) return false
    const renewed = isNewest ? {} : { sealed: seal(plain, userId) }
    const [{ affectedRows }] = await app.db
      .update(factors)
      .set({ lastStep: step, ...renewed })
      .where(and(activeOf(userId), eq(factors.sealed, sealed), lt(factors.lastStep, step)))
    return affectedRows > 0
  }

  async function useRecoveryCode(userId: number, code: string) {
    const [{ affectedRows }] = await app.db
      .delete(recoveryCodes)
      .where(and(eq(recoveryCodes.userId, userId), eq(recoveryCodes.hash, recoveryHash(code))))
    return affectedRows > 0
  }

  /** Credentials are the caller's to check; `within` runs last in the transaction. @throws SecondFactorOff */
  async function switchOff(userId: number, within: Within = async () => {}) {
    await app.transaction(async (tx) => {
      const [{ affectedRows }] = await tx.delete(factors).where(activeOf(userId))
      if (affectedRows === 0) throw new NotOn()
      await tx.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId))
      await app.events.emit(tx, 'auth.secondFactorChanged', { userId, isOn: false })
      await within(tx)
    })
  }

  async function erase(userId: number) {
    const eraseIn = async (tx: Tx) => {
      await tx.delete(factors).where(eq(factors.userId, userId))
      await tx.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId))
    }
    await app.transaction(eraseIn)
  }

  return { assertAvailable, start, confirm, state, check, switchOff, erase }
}
