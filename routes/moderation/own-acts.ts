import type { FastifyInstance, PageRequest } from 'birdhouse'
import { inArray } from 'drizzle-orm'
import type { createAudit } from './audit.ts'

/** The acts that concern an account, for its owner: without the moderator. */
export function createOwnActs(app: FastifyInstance, acts: ReturnType<typeof createAudit>['page']) {
  const { moderationAppeals: appeals } = app.tables

  /** Newest first. @throws InvalidCursor */
  return async function ownActs(accountId: number, request: PageRequest) {
    const { items, nextCursor } = await acts({ accountId }, request)
    const ids = items.map(({ id }) => id)
    const rows =
      ids.length > 0 ? await app.db.select().from(appeals).where(inArray(appeals.actId, ids)) : []
    const byAct = new Map(rows.map((row) => [row.actId, row]))
    const appealOf = (id: number) => {
      const row = byAct.get(id)
      return row
        ? { outcome: row.outcome as 'granted' | 'denied' | null, answer: row.answer }
        : null
    }
    return {
      items: items.map(({ actor: _, account: __, ...act }) => ({
        ...act,
        appeal: appealOf(act.id),
      })),
      nextCursor,
    }
  }
}
