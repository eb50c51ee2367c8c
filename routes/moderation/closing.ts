import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Access } from './access.ts'
import type { AccountAct, Accounts } from './accounts.ts'
import { type Audit, cleanReason } from './audit.ts'
import { isRemovable, type Removals } from './removals.ts'
import { ReportNotFound } from './reports.ts'

export type Closing = { act: 'none' | 'remove' | Exclude<AccountAct, 'restore'>; reason: string }

const ReportClosed = createError(
  'REPORT_CLOSED',
  'The report is closed already; another moderator may have been first.',
  409,
)
const NotRemovable = createError(
  'NOT_REMOVABLE',
  'An account cannot be removed; limit or suspend it.',
  400,
)

export function createClosing(
  app: FastifyInstance,
  access: Access,
  audit: Audit,
  acts: Pick<Accounts, 'actOn'> & Removals,
) {
  const { moderationReports: reports } = app.tables

  /**
   * Closes all open reports of the same target by one act. Returns the id of the act.
   * @throws ReportNotFound, ReportClosed, NotRemovable, and what the act throws
   */
  async function closeReport(id: number, closing: Closing, actorId?: number) {
    const reason = cleanReason(app, closing.reason)
    return app.transaction(async (tx) => {
      const [row] = await tx.select().from(reports).where(eq(reports.id, id))
      if (!row) throw new ReportNotFound()
      const same = await tx
        .select({ id: reports.id })
        .from(reports)
        .where(
          and(
            eq(reports.accountId, row.accountId),
            eq(reports.open, 1),
            eq(reports.targetKind, row.targetKind),
            eq(reports.targetId, row.targetId),
          ),
        )
        .for('update')
      const ids = same.map((one) => one.id)
      if (!ids.includes(id)) throw new ReportClosed()
      const actId = await act(tx, row, { ...closing, reason }, actorId)
      const closed = { open: null, closedAt: sql`NOW(3)`, actId }
      await tx.update(reports).set(closed).where(inArray(reports.id, ids))
      return actId
    })
  }

  type Row = typeof reports.$inferSelect

  async function act(tx: Tx, row: Row, { act, reason }: Closing, actorId?: number) {
    const { id, accountId, targetId, targetKind } = row
    if (act === 'none') {
      await access.assertMayActOn(actorId, await app.users.states.lock(tx, accountId))
      const target = { kind: 'report', id }
      return audit.record(
        { actorId, act: 'dismiss-report', target, aboutId: accountId, reason },
        tx,
      )
    }
    if (act !== 'remove') return acts.actOn(act, { userId: accountId, reason, actorId }, tx)
    if (!isRemovable(targetKind)) throw new NotRemovable()
    return acts.remove(targetKind, { id: targetId, reason, actorId }, tx)
  }

  return { closeReport }
}
