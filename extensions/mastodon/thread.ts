import type { FastifyInstance } from 'birdhouse'
import { and, asc, eq, inArray, isNull } from 'drizzle-orm'

/** Tweets above and below one, and levels of replies, at most. */
const MOST = { ancestors: 40, descendants: 100, levels: 20 }

/** The ids of the tweets that one replies to, the topmost first, and of the replies to it. */
export function createThread(app: FastifyInstance) {
  const { tweets } = app.tables

  async function ancestors(id: number) {
    const ids: number[] = []
    for (let next = await parentOf(id); next && ids.length < MOST.ancestors; ) {
      ids.unshift(next)
      next = await parentOf(next)
    }
    return ids
  }

  async function parentOf(id: number) {
    const [row] = await app.db
      .select({ replyToId: tweets.replyToId })
      .from(tweets)
      .where(eq(tweets.id, id))
    return row?.replyToId
  }

  async function descendants(id: number) {
    const ids: number[] = []
    let level = [id]
    for (let depth = 0; level.length > 0 && depth < MOST.levels; depth++) {
      const rows = await app.db
        .select({ id: tweets.id })
        .from(tweets)
        .where(and(inArray(tweets.replyToId, level), isNull(tweets.deletedAt)))
        .orderBy(asc(tweets.id))
        .limit(MOST.descendants - ids.length)
      level = rows.map(({ id }) => id)
      ids.push(...level)
      if (ids.length >= MOST.descendants) break
    }
    return ids
  }

  return { ancestors, descendants }
}
