import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNotNull, isNull, lt, sql } from 'drizzle-orm'
import { newSecret, plainCode, stepOf, urlOf } from './codes.ts'
import type { Factors } from './factors.ts'
import { createSealing } from './sealing.ts'

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

type Row = NonNullable<Awaited<ReturnType<Factors['of']>>['totp']>
type Within = (tx: Tx) => Promise<unknown>

/** Time-based codes (RFC 6238) of an authenticator app; each is accepted once. */
export function createTotp(app: FastifyInstance, factors: Factors) {
  const { secondFactors: table } = app.tables
  const sealing = createSealing(app.config.secondFactorKeys)
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

  /** False if the code is wrong or used. @throws SecondFactorUnavailable */
  async function use({ userId, sealed }: Row, code: string) {
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

  return { assertAvailable, start, confirm, use }
}
