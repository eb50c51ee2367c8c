import type { FastifyInstance, Tx } from 'birdhouse'
import { inArray, sql } from 'drizzle-orm'

/** Hours in which the mentions of strangers are counted. */
const WINDOW = 1

type Budget = { userId: number; since: Date; spent: number }

/** Counts, for each author, the mentions that notified people who do not follow the author. */
export function createStrangers(app: FastifyInstance) {
  const { notificationBudgets: table } = app.tables

  /**
   * Returns the mentions that are within the budgets of their authors, and spends these. Locks the budgets
   * until the commit.
   */
  async function within<Mention extends { actorId: number }>(tx: Tx, mentions: Mention[]) {
    if (mentions.length === 0) return []
    const byActor = Map.groupBy(mentions, ({ actorId }) => actorId)
    // In one order, so that simultaneous jobs wait for each other and do not deadlock.
    const budgets = await lock(
      tx,
      [...byActor.keys()].sort((a, b) => a - b),
    )
    const most = app.config.notifications.MENTIONS_OF_STRANGERS_PER_HOUR
    const kept = budgets.map(({ userId, since, spent }) => {
      const own = (byActor.get(userId) ?? []).slice(0, Math.max(0, most - spent))
      return { own, budget: { userId, since, spent: spent + own.length } }
    })
    await save(
      tx,
      kept.map(({ budget }) => budget),
    )
    return kept.flatMap(({ own }) => own)
  }

  /** The budgets as of now: a window that is over has been followed by a new one. */
  async function lock(tx: Tx, userIds: number[]): Promise<Budget[]> {
    await tx
      .insert(table)
      .values(userIds.map((userId) => ({ userId, spent: 0 })))
      .onDuplicateKeyUpdate({ set: { userId: sql`${table.userId}` } })
    const isOver = sql`${table.since} < NOW(3) - INTERVAL ${sql.raw(String(WINDOW))} HOUR`
    return tx
      .select({
        userId: table.userId,
        since: sql`IF(${isOver}, NOW(3), ${table.since})`.mapWith(table.since),
        spent: sql`IF(${isOver}, 0, ${table.spent})`.mapWith(Number),
      })
      .from(table)
      .where(inArray(table.userId, userIds))
  }

  async function save(tx: Tx, budgets: Budget[]) {
    const given = (column: typeof table.since | typeof table.spent) => sql`VALUES(${column})`
    await tx
      .insert(table)
      .values(budgets)
      .onDuplicateKeyUpdate({ set: { since: given(table.since), spent: given(table.spent) } })
  }

  return { within }
}
