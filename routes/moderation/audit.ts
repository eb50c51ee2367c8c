import type { FastifyInstance, PageRequest, Tx } from 'birdhouse'
import { and, eq, inArray, isNull } from 'drizzle-orm'
import { TEXT_MAX } from './schemas.ts'

export type Target = { kind: string; id: number }
export type NewAct = {
  /** Undefined for an act on the command line. */
  actorId?: number | undefined
  /** At most 30 characters, such as `suspend`. */
  act: string
  target: Target
  /** The account whose owner the act concerns. */
  accountId?: number | undefined
  /** The account that the reason is about, where its owner is not to be told. */
  aboutId?: number | undefined
  reason?: string | undefined
}
export type ActFilter = {
  actorId?: number | undefined
  accountId?: number | undefined
  act?: string | undefined
}

/** @throws 400 that names the field */
export const cleanReason = (app: FastifyInstance, text: string, field = 'reason', min = 1) =>
  app.cleanText(text, { field, min, max: TEXT_MAX })

/** The append-only audit log. */
export function createAudit(app: FastifyInstance) {
  const { moderationActs, moderationReasons, users } = app.tables

  /** Adds an act in the transaction that does it, and returns its id. */
  async function record(
    { actorId, act, target, accountId, aboutId = accountId, reason }: NewAct,
    tx: Tx,
  ) {
    const row = { actorId, act, targetKind: target.kind, targetId: target.id, accountId }
    const [{ insertId: actId }] = await tx.insert(moderationActs).values(row)
    if (reason) await tx.insert(moderationReasons).values({ actId, accountId: aboutId, reason })
    await app.events.emit(tx, 'moderation.acted', {
      actId,
      act,
      accountId: accountId ?? null,
      targetKind: target.kind,
      targetId: target.id,
    })
    return actId
  }

  /** Newest first. @throws InvalidCursor */
  async function page({ actorId, accountId, act }: ActFilter, request: PageRequest) {
    const name = `acts:${actorId ?? ''}:${accountId ?? ''}:${act ?? ''}`
    const list = { name, id: moderationActs.id }
    const where = and(
      actorId === undefined ? undefined : eq(moderationActs.actorId, actorId),
      accountId === undefined ? undefined : eq(moderationActs.accountId, accountId),
      act === undefined ? undefined : eq(moderationActs.act, act),
    )
    const { items, nextCursor } = await app.pages.read(list, request, (page) =>
      app.db
        .select({ id: moderationActs.id, act: moderationActs, reason: moderationReasons.reason })
        .from(moderationActs)
        .leftJoin(moderationReasons, eq(moderationReasons.actId, moderationActs.id))
        .where(and(where, page.where))
        .orderBy(page.orderBy)
        .limit(page.limit),
    )
    const handles = await handlesOf(items.flatMap(({ act }) => [act.actorId, act.accountId]))
    return { items: items.map((row) => present(row, handles)), nextCursor }
  }

  type Row = { act: typeof moderationActs.$inferSelect; reason: string | null }

  const present = ({ act, reason }: Row, handles: Map<number, string>) => ({
    id: act.id,
    act: act.act,
    actor: named(act.actorId, handles),
    target: { kind: act.targetKind, id: act.targetId },
    account: named(act.accountId, handles),
    reason,
    createdAt: act.createdAt.toISOString(),
  })

  const named = (id: number | null, handles: Map<number, string>) =>
    id === null ? null : { id, handle: handles.get(id) ?? null }

  /** Handles by account id, of suspended accounts as well. */
  async function handlesOf(ids: (number | null)[]) {
    const some = [...new Set(ids)].filter((id) => id !== null)
    if (some.length === 0) return new Map<number, string>()
    const rows = await app.db
      .select({ id: users.id, handle: users.handle })
      .from(users)
      .where(and(inArray(users.id, some), isNull(users.deletedAt)))
    return new Map(rows.map(({ id, handle }) => [id, handle ?? '']))
  }

  /** The acts of an erased account stay, without their reasons. */
  const erase = async (accountId: number) => {
    await app.db.delete(moderationReasons).where(eq(moderationReasons.accountId, accountId))
  }

  return { record, page, handlesOf, erase }
}

export type Audit = Pick<ReturnType<typeof createAudit>, 'record' | 'handlesOf'>
