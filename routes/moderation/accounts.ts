import createError from '@fastify/error'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { and, count, desc, eq, inArray } from 'drizzle-orm'
import type { Access } from './access.ts'
import { type Audit, cleanReason } from './audit.ts'

export type AccountAct = 'warn' | 'limit' | 'suspend' | 'restore'

const STATES = { limit: 'limited', suspend: 'suspended', restore: 'active' } as const

const SameState = createError(
  'SAME_STATE',
  'The account is %s already; another moderator may have been first.',
  409,
)
const AccountSuspended = createError(
  'ACCOUNT_SUSPENDED',
  'This account is suspended: %s To appeal once, send your e-mail address, your password and a text to POST /v1/moderation/appeals.',
  403,
)
const UserNotFound = createError('USER_NOT_FOUND', 'There is no account with this id.', 404)

/** Warnings, limits and suspensions of accounts. */
export function createAccounts(app: FastifyInstance, access: Access, audit: Audit) {
  const { moderationActs, moderationReasons, moderationReports, users } = app.tables
  const { states } = app.users

  type Order = { userId: number; reason: string; actorId?: number | undefined }

  /**
   * Returns the id of the act. `actorId` is undefined on the command line.
   * @throws UserNotFound, NotOnYourself, HigherRole, SameState, LastAdmin, 400 that names the field
   */
  async function actOn(act: AccountAct, { userId, reason: given, actorId }: Order, outer?: Tx) {
    const reason = cleanReason(app, given)
    return app.transaction(async (tx) => {
      await access.assertMayActOn(actorId, await states.lock(tx, userId))
      if (act !== 'warn' && !(await states.setState(tx, userId, STATES[act])))
        throw new SameState(STATES[act])
      if (act === 'suspend') await app.auth.sessions.revokeAll(userId, tx)
      const target = { kind: 'account', id: userId }
      return audit.record({ actorId, act, target, accountId: userId, reason }, tx)
    }, outer)
  }

  /** The last act of this kind that concerns the account, with its reason. */
  async function lastAct(accountId: number, acts: string[], db: Db | Tx = app.db) {
    const [row] = await db
      .select({ id: moderationActs.id, reason: moderationReasons.reason })
      .from(moderationActs)
      .leftJoin(moderationReasons, eq(moderationReasons.actId, moderationActs.id))
      .where(and(eq(moderationActs.accountId, accountId), inArray(moderationActs.act, acts)))
      .orderBy(desc(moderationActs.id))
      .limit(1)
    return row
  }

  app.auth.addLoginCheck(async ({ id, suspendedAt }) => {
    if (!suspendedAt) return
    const act = await lastAct(id, ['suspend'])
    const reason = act?.reason ?? 'no reason is recorded.'
    throw new AccountSuspended(/[.!?]$/.test(reason) ? reason : `${reason}.`)
  })

  /** @throws UserNotFound */
  async function account(id: number) {
    const open = and(eq(moderationReports.accountId, id), eq(moderationReports.open, 1))
    const [rows, [reports]] = await Promise.all([
      app.db.select().from(users).where(eq(users.id, id)),
      app.db.select({ open: count() }).from(moderationReports).where(open),
    ])
    const [row] = rows
    if (!row || row.deletedAt) throw new UserNotFound()
    const unhidden = row.limitedAt ? 'limited' : 'active'
    const state = row.suspendedAt ? 'suspended' : row.waitingSince ? 'waiting' : unhidden
    return {
      id,
      handle: row.handle ?? '',
      name: row.name,
      role: row.role,
      state: state as 'active' | 'limited' | 'suspended' | 'waiting',
      openReports: reports?.open ?? 0,
      createdAt: row.createdAt.toISOString(),
    }
  }

  return { actOn, lastAct, account }
}

export type Accounts = ReturnType<typeof createAccounts>
