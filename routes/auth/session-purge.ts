import type { FastifyInstance } from 'birdhouse'
import { and, inArray, lt, ne, sql } from 'drizzle-orm'

/** Days for which the address of a session is kept. */
const ADDRESS_LIFE = 90
const AT_ONCE = 1_000

/** Purges what has expired of sessions; `more` runs last. */
export function createSessionPurge(app: FastifyInstance, more: () => Promise<unknown>) {
  const { sessions } = app.tables

  /** The session of an app that is in use has no end, so its address goes before it. */
  async function purgeAddresses() {
    const old = sql`${sessions.createdAt} < NOW(3) - INTERVAL ${ADDRESS_LIFE} DAY`
    // Read first: an UPDATE would lock each row that it looks at.
    const rows = await app.db
      .select({ id: sessions.id })
      .from(sessions)
      .where(and(old, ne(sessions.ip, '')))
      .limit(AT_ONCE)
    const ids = rows.map(({ id }) => id)
    if (ids.length === 0) return
    await app.db.update(sessions).set({ ip: '' }).where(inArray(sessions.id, ids))
    if (ids.length === AT_ONCE) await purgeAddresses()
  }

  return async () => {
    await app.deleteInBatches(sessions, lt(sessions.expiresAt, sql`NOW(3)`))
    await purgeAddresses()
    await more()
  }
}
