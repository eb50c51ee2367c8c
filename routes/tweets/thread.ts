import type { FastifyInstance, Resources } from 'birdhouse'
import { type SQL, sql } from 'drizzle-orm'
import { TweetNotFound } from './reactions.ts'

type Most = {
  /** Tweets above; none by default. */
  ancestors?: number
  /** Tweets below, those of the upper levels first; none by default. */
  replies?: number
}
type Node = { id: number; parentId: number }
type ById = (ids: number[], viewerId?: number) => Promise<Map<number, Resources['Tweet']>>

/** Levels of replies. */
const LEVELS = 20
/** While statistics of the table are old, MySQL reads tweets in the order of ids instead, which takes seconds. */
const BY_PARENT = sql`FORCE INDEX (tweets_reply_to)`

/** Reads threads, with one statement up and one down for any number of levels. */
export function createThread(app: FastifyInstance, byIds: ById) {
  const { tweets } = app.tables

  /**
   * A tweet, the tweets that it replies to, the topmost first, and the replies to it, each followed by its own replies.
   * Tombstones are included, because the replies to them stay. A retweet has the thread of its original.
   * @throws TweetNotFound
   */
  async function thread(id: number, { ancestors = 0, replies = 0 }: Most, viewerId?: number) {
    const [above, below] = await Promise.all([
      ancestors > 0 ? readAbove(id, ancestors) : [],
      replies > 0 ? readBelow(id, replies) : [],
    ])
    const found = await byIds([id, ...above, ...below], viewerId)
    const tweet = found.get(id)
    if (!tweet) throw new TweetNotFound(id)
    const shown = (ids: number[]) => ids.flatMap((one) => found.get(one) ?? [])
    return { tweet, ancestors: shown(above), replies: shown(below) }
  }

  const readAbove = async (id: number, most: number) => {
    const nodes = await read(sql`WITH RECURSIVE up (id, parent_id, depth) AS (
      SELECT id, reply_to_id, 0 FROM ${tweets} WHERE id = ${original(id)}
      UNION ALL
      SELECT t.id, t.reply_to_id, depth + 1 FROM up JOIN ${tweets} t ON t.id = up.parent_id WHERE depth < ${most}
    ) SELECT id, parent_id AS parentId FROM up WHERE depth > 0 ORDER BY depth DESC`)
    return nodes.map((node) => node.id)
  }

  /** A recursion knows no LIMIT, and thousands may reply to a tweet: no more than `most` of them are followed. */
  const readBelow = async (id: number, most: number) => {
    const end = (parent: SQL) =>
      sql`COALESCE((SELECT r.id FROM ${tweets} r ${BY_PARENT} WHERE r.reply_to_id = ${parent} ORDER BY r.id LIMIT 1 OFFSET ${most}), ${Number.MAX_SAFE_INTEGER})`
    const nodes = await read(sql`WITH RECURSIVE down (id, parent_id, depth, end_id) AS (
      SELECT o.id, o.reply_to_id, 0, ${end(sql`o.id`)} FROM ${tweets} o WHERE o.id = ${original(id)}
      UNION ALL
      SELECT t.id, t.reply_to_id, depth + 1, ${end(sql`t.id`)}
      FROM down STRAIGHT_JOIN ${tweets} t ${BY_PARENT} ON t.reply_to_id = down.id AND t.id < down.end_id WHERE depth < ${LEVELS}
    ) SELECT id, parent_id AS parentId FROM down WHERE depth > 0 ORDER BY depth, id LIMIT ${most}`)
    return depthFirst(nodes)
  }

  const original = (id: number) =>
    sql`(SELECT COALESCE(retweet_of_id, id) FROM ${tweets} WHERE id = ${id})`

  async function read(query: SQL) {
    const [rows] = await app.db.execute(query)
    // The driver's type of a raw result is a union; a SELECT returns rows.
    return rows as unknown as Node[]
  }

  return { thread }
}

/** Orders nodes, given level by level, so that each is followed by its own replies. */
function depthFirst(nodes: Node[]) {
  const byParent = Map.groupBy(nodes, ({ parentId }) => parentId)
  const ids = new Set(nodes.map(({ id }) => id))
  const tops = nodes.filter(({ parentId }) => !ids.has(parentId))
  const from = ({ id }: Node): number[] => [id, ...(byParent.get(id) ?? []).flatMap(from)]
  return tops.flatMap(from)
}
