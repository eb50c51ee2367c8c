import createError from '@fastify/error'
import type { FastifyInstance, PageRequest } from 'birdhouse'
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Access } from './access.ts'
import type { Accounts } from './accounts.ts'
import { type Audit, cleanReason } from './audit.ts'

type Credentials = Parameters<FastifyInstance['auth']['ownerOf']>[0]
export type Answer = { outcome: 'granted' | 'denied'; answer: string }

/** Acts that the person concerned can appeal. */
const APPEALABLE = /^(warn|limit|suspend|remove-.*)$/

const ActNotFound = createError(
  'ACT_NOT_FOUND',
  'No such act concerns your account, or it cannot be appealed.',
  404,
)
const NotSuspended = createError('NOT_SUSPENDED', 'This account is not suspended; log in.', 409)
const AppealedAlready = createError(
  'APPEALED_ALREADY',
  'You have appealed this act already; each act can be appealed once.',
  409,
)
const AppealNotFound = createError('APPEAL_NOT_FOUND', 'There is no appeal with this id.', 404)
const AppealAnswered = createError(
  'APPEAL_ANSWERED',
  'The appeal is answered already; another moderator may have been first.',
  409,
)

export function createAppeals(
  app: FastifyInstance,
  access: Access,
  audit: Audit,
  { lastAct }: Accounts,
) {
  const { moderationActs: acts, moderationAppeals: appeals, users } = app.tables
  const { states } = app.users

  /** @throws ActNotFound, AppealedAlready, 400 that names the field */
  async function appeal(accountId: number, actId: number, given: string) {
    const text = cleanReason(app, given, 'text')
    const where = and(eq(acts.id, actId), eq(acts.accountId, accountId))
    const [act] = await app.db.select({ act: acts.act }).from(acts).where(where)
    if (!act || !APPEALABLE.test(act.act)) throw new ActNotFound()
    await app.db
      .insert(appeals)
      .values({ actId, accountId, text })
      .catch((error) => {
        throw app.errors.duplicateKey(error) ? new AppealedAlready() : error
      })
  }

  /** For a suspended account, which cannot log in. @throws as a login, NotSuspended, AppealedAlready */
  async function appealSuspension(
    { text, ...credentials }: Credentials & { text: string },
    address: string,
  ) {
    const accountId = await app.auth.ownerOf(credentials, address)
    const isSuspended = and(eq(users.id, accountId), sql`${users.suspendedAt} IS NOT NULL`)
    const [account] = await app.db.select({ id: users.id }).from(users).where(isSuspended)
    const act = account && (await lastAct(accountId, ['suspend']))
    if (!act) throw new NotSuspended()
    await appeal(accountId, act.id, text)
  }

  /** Open appeals oldest first, answered appeals newest first. @throws InvalidCursor */
  async function page(state: 'open' | 'closed', request: PageRequest) {
    const isOpen = state === 'open'
    const list = { name: `appeals:${state}`, id: appeals.id, oldestFirst: isOpen }
    const { items, nextCursor } = await app.pages.read(list, request, (page) =>
      app.db
        .select({ id: appeals.id, appeal: appeals, act: acts.act })
        .from(appeals)
        .innerJoin(acts, eq(acts.id, appeals.actId))
        .where(and(isOpen ? eq(appeals.open, 1) : isNull(appeals.open), page.where))
        .orderBy(page.orderBy)
        .limit(page.limit),
    )
    const handles = await audit.handlesOf(items.map(({ appeal }) => appeal.accountId))
    return {
      items: items.map(({ appeal, act }) => ({
        id: appeal.id,
        act: { id: appeal.actId, act },
        account: { id: appeal.accountId, handle: handles.get(appeal.accountId) ?? null },
        text: appeal.text,
        createdAt: appeal.createdAt.toISOString(),
        outcome: appeal.outcome as Answer['outcome'] | null,
        answer: appeal.answer,
      })),
      nextCursor,
    }
  }

  /**
   * A granted appeal ends the limit or suspension, unless a later one has replaced it; what was removed stays removed.
   * @throws AppealNotFound, AppealAnswered, NotOnYourself, HigherRole, 400 that names the field
   */
  async function answer(id: number, { outcome, answer: given }: Answer, actorId?: number) {
    const reason = cleanReason(app, given, 'answer')
    await app.transaction(async (tx) => {
      const [row] = await tx
        .select({ accountId: appeals.accountId, actId: appeals.actId, act: acts.act })
        .from(appeals)
        .innerJoin(acts, eq(acts.id, appeals.actId))
        .where(eq(appeals.id, id))
      if (!row) throw new AppealNotFound()
      const { accountId, actId, act } = row
      const account = await states.lock(tx, accountId)
      await access.assertMayActOn(actorId, account)
      const change = { open: null, outcome, answer: reason, answeredAt: sql`NOW(3)` }
      const [{ affectedRows }] = await tx
        .update(appeals)
        .set(change)
        .where(and(eq(appeals.id, id), eq(appeals.open, 1)))
      if (affectedRows === 0) throw new AppealAnswered()
      const isInForce =
        act === 'suspend' ? account.suspendedAt : act === 'limit' && account.limitedAt
      const isLatest = (await lastAct(accountId, ['limit', 'suspend'], tx))?.id === actId
      if (outcome === 'granted' && isInForce && isLatest)
        await states.setState(tx, accountId, 'active')
      const name = outcome === 'granted' ? 'grant-appeal' : 'deny-appeal'
      await audit.record(
        { actorId, act: name, target: { kind: 'appeal', id }, accountId, reason },
        tx,
      )
    })
  }

  return { appeal, appealSuspension, appeals: page, answerAppeal: answer }
}
