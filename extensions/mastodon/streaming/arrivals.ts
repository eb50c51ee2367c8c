import type { FastifyInstance, FastifyRequest } from 'birdhouse'
import { eq, max } from 'drizzle-orm'
import { toNotifications } from '../present/notifications.ts'

/** Notifications that are read at a time. */
const AT_ONCE = 40

/**
 * Notifications of one user that have arrived since the last look, one each. An event of a stream tells of a group, and
 * two events of one group may be told as one; ids of a user's notifications rise in the order of commits.
 */
export async function createArrivals(app: FastifyInstance, request: FastifyRequest) {
  const { userId } = request.viewer
  const service = app.optional('notifications')
  const { notificationItems: items } = app.tables
  let seen = service ? await newest() : 0

  async function newest() {
    const [row] = await app.db
      .select({ id: max(items.id) })
      .from(items)
      .where(eq(items.userId, userId))
    return row?.id ?? 0
  }

  /** JSON of each, the oldest first. */
  async function read(): Promise<string[]> {
    const page = await service?.causes(userId, { limit: AT_ONCE, above: seen, ascending: true })
    const arrived = (page?.items ?? []).toSorted((a, b) => a.id - b.id)
    if (arrived.length === 0) return []
    seen = arrived.at(-1)?.id ?? seen
    const shown = await toNotifications(app, request, arrived)
    const more = arrived.length === AT_ONCE ? await read() : []
    return [...shown.map((one) => JSON.stringify(one)), ...more]
  }

  return read
}
