import createError from '@fastify/error'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, inArray, lt, sql } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import { type Claimed, KEPT, subjectOf, waitAfter } from './login-rules.ts'

/** Milliseconds for which a refused attempt of an unknown origin is refused again without a query. */
const REFUSED_AGAIN = 1_000
const MOST_REFUSALS = 5_000
/** The row of networks from which the account has never signed in. */
const ELSEWHERE = ''

const TooManyFailures = createError(
  'TOO_MANY_FAILURES',
  'Too many logins of this account failed in a row; wait %s seconds, or log in from a network where you have logged in before.',
  429,
)

const originOf = (network: string, email: string) => `${network} ${email.toLowerCase()}`

type Origin = { address: string; account: string; isKnown: boolean }

/**
 * Failed logins are counted per account: those from networks where the account has signed in before by network, all
 * others together. So an attacker elsewhere delays nobody at home. An attempt is counted as failed before the
 * password is checked, so that simultaneous attempts are counted as well.
 */
export function createLoginAttempts(app: FastifyInstance) {
  const { loginAttempts: table } = app.tables
  const [secret = ''] = app.config.jwtSecrets
  const refusals = new LRUCache<string, Error>({ max: MOST_REFUSALS, ttl: REFUSED_AGAIN })
  const rowOf = (subject: number, network: string) =>
    and(eq(table.subject, subject), eq(table.network, network))

  /** Spares the database a flood of attempts that were just refused. @throws the error of the refusal */
  function assertNotRefused(email: string, address: string) {
    const refusal = refusals.get(originOf(app.networkOf(address), email))
    if (refusal) throw refusal
  }

  /**
   * Returns what `verify` returns: whether the password is right.
   * @throws TooManyFailures, TooManyRequests, TooBusy, and what `verify` throws
   */
  async function check(
    claimed: Claimed,
    address: string,
    verify: (origin: Origin) => Promise<boolean>,
  ) {
    const subject = subjectOf(claimed, secret)
    const network = app.networkOf(address)
    const found = await find(subject, network)
    const { isKnown } = found
    const origin = { address: network, account: String(subject), isKnown }
    try {
      assertNoWait(found)
      if (isKnown) await app.limits.spend('login', 'account', `${subject} ${network}`)
      else await app.limits.spend('login', 'address', network)
      app.password.assertRoom(origin)
      await countFailure(subject, network, found)
    } catch (error) {
      // An error of the database has no status, and is not repeated.
      const isRefusal = error instanceof Error && 'statusCode' in error
      if (isRefusal && !isKnown && claimed.email) {
        refusals.set(originOf(network, claimed.email), error)
      }
      throw error
    }
    const right = await verify(origin).catch(async (error) => {
      await undo(subject, isKnown ? network : ELSEWHERE)
      throw error
    })
    if (right)
      await app.transaction(async (tx) => {
        await succeed(subject, address, tx)
        if (!isKnown) await app.events.emit(tx, 'auth.newNetwork', { userId: subject, address })
      })
    return right
  }

  async function find(subject: number, network: string) {
    const rows = await app.db
      .select({
        network: table.network,
        failures: table.failures,
        wait: sql`TIMESTAMPDIFF(MICROSECOND, NOW(3), ${table.waitUntil}) / 1000000`.mapWith(Number),
      })
      .from(table)
      .where(and(eq(table.subject, subject), inArray(table.network, [network, ELSEWHERE])))
    const known = rows.find((row) => row.network === network && network !== ELSEWHERE)
    return { isKnown: known !== undefined, row: known ?? rows[0] }
  }

  type Found = Awaited<ReturnType<typeof find>>

  /** @throws TooManyFailures */
  async function countFailure(subject: number, network: string, found: Found) {
    for (let { row } = found; ; { row } = await find(subject, network)) {
      assertNoWait({ row })
      const failures = row?.failures ?? 0
      const next = {
        failures: failures + 1,
        waitUntil: sql`NOW(3) + INTERVAL ${waitAfter(failures + 1)} SECOND`,
        changedAt: sql`NOW(3)`,
      }
      const [{ affectedRows }] = row
        ? await app.db
            .update(table)
            .set(next)
            .where(and(rowOf(subject, row.network), eq(table.failures, failures)))
        : await app.db
            .insert(table)
            .ignore()
            .values({ subject, network: ELSEWHERE, ...next })
      // None when a simultaneous attempt was counted first.
      if (affectedRows > 0) return
    }
  }

  function assertNoWait({ row }: Pick<Found, 'row'>) {
    if (!row || row.wait <= 0) return
    const seconds = Math.ceil(row.wait)
    const headers = { 'retry-after': String(seconds) }
    throw Object.assign(new TooManyFailures(seconds), { headers })
  }

  /** The password was not checked, for example because too many logins wait. */
  async function undo(subject: number, network: string) {
    await app.db
      .update(table)
      .set({ failures: sql`GREATEST(${table.failures}, 1) - 1`, waitUntil: sql`NOW(3)` })
      .where(rowOf(subject, network))
  }

  /** Ends the row of failures, and remembers that the account signed in from this address. */
  async function succeed(userId: number, address: string, tx?: Tx) {
    const none = { failures: 0, waitUntil: sql`NOW(3)`, changedAt: sql`NOW(3)` }
    const networks = [app.networkOf(address), ELSEWHERE]
    await (tx ?? app.db)
      .insert(table)
      .values(networks.map((network) => ({ subject: userId, network, ...none })))
      .onDuplicateKeyUpdate({ set: none })
  }

  /** Lets the account log in from everywhere again, for example after its password was reset. */
  const unlock = async (userId: number, db: Db | Tx = app.db) =>
    void (await db
      .update(table)
      .set({ failures: 0, waitUntil: sql`NOW(3)` })
      .where(eq(table.subject, userId)))

  const erase = async (userId: number) =>
    void (await app.db.delete(table).where(eq(table.subject, userId)))

  async function purge() {
    const old = sql`NOW(3) - INTERVAL ${KEPT} DAY`
    await app.deleteInBatches(table, lt(table.changedAt, old))
  }

  return { assertNotRefused, check, succeed, unlock, erase, purge }
}
