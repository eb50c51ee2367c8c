import type { RowDataPacket } from 'mysql2'
import { encodeCursor } from '../plugins/pagination.ts'
import type { App } from './helper.ts'

type Tweet = { id: number; authorId: number; retweetOfId: number | null; deleted: number }
type Pair = { from: number; to: number }

/** The definition of the timeline over raw rows, for a world of few people. */
export function createOracle(app: App) {
  const select = async <Row>(sql: string, people: number[]) => {
    const [rows] = await app.mysql.pool.query<RowDataPacket[]>(sql, [people, people])
    return rows as Row[]
  }

  const rowsBy = (people: number[]) =>
    select<Tweet>(
      `SELECT id, author_id AS authorId, retweet_of_id AS retweetOfId, deleted_at IS NOT NULL AS deleted
       FROM tweets WHERE author_id IN (?) ORDER BY id`,
      people,
    )

  const pairs = (table: string, from: string, to: string, people: number[]) =>
    select<Pair>(
      `SELECT ${from} AS \`from\`, ${to} AS \`to\` FROM ${table} WHERE ${from} IN (?) OR ${to} IN (?)`,
      people,
    )

  /** Reads the present state. */
  async function look(people: number[]) {
    const [written, accounts, followed, blocked, muted] = await Promise.all([
      rowsBy(people),
      select<{ id: number }>('SELECT id FROM users WHERE id IN (?) AND deleted_at IS NULL', people),
      pairs('follows', 'follower_id', 'followee_id', people),
      pairs('blocks', 'blocker_id', 'blocked_id', people),
      pairs('mutes', 'muter_id', 'muted_id', people),
    ])
    const byId = new Map(written.map((row) => [row.id, row]))
    const alive = new Set(accounts.map(({ id }) => id))

    /** The rows a reader's timeline is made of, newest first. */
    function rowsFor(readerId: number) {
      const sources = new Set([readerId])
      for (const { from, to } of followed) if (from === readerId) sources.add(to)
      const unwanted = new Set<number>()
      for (const { from, to } of blocked) {
        if (from === readerId) unwanted.add(to)
        if (to === readerId) unwanted.add(from)
      }
      for (const { from, to } of muted) if (from === readerId) unwanted.add(to)
      const shows = (row: Tweet | undefined) =>
        row && !row.deleted && alive.has(row.authorId) && !unwanted.has(row.authorId)
      return written
        .filter((row) => sources.has(row.authorId) && shows(row))
        .filter((row) => row.retweetOfId === null || shows(byId.get(row.retweetOfId)))
        .reverse()
    }

    return { rowsFor }
  }

  return { look, rowsBy }
}

/** One page as the definition walks it: an original once a page. */
export function expectedPage(rows: Tweet[], limit: number, below = Number.MAX_SAFE_INTEGER) {
  const page = new Map<number, number>()
  const left = rows.filter(({ id }) => id < below)
  let walked = 0
  while (walked < left.length && page.size < limit) {
    const row = left[walked++]
    const key = row?.retweetOfId ?? row?.id ?? 0
    if (row && !page.has(key)) page.set(key, row.id)
  }
  const last = left[walked - 1]
  const more = walked < left.length && last
  return { ids: [...page.values()], nextCursor: more ? encodeCursor('timeline', last.id) : null }
}

/** Acts of one person about another. */
export const relationsOf = (graph: App['graph'], me: number, them: number) => ({
  follow: () => graph.follow(me, them),
  unfollow: () => graph.unfollow(me, them),
  block: () => graph.block(me, them),
  unblock: () => graph.unblock(me, them),
  mute: () => graph.mute(me, them),
  unmute: () => graph.unmute(me, them),
})
