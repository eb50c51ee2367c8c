import type { FastifyInstance } from 'fastify'
import type { Db, Tx } from '../../plugins/db.ts'
import type { TweetMemory, TweetRow } from './memory.ts'

/** A tweet that may be seen, with what further rules go by. */
export type Seen = {
  row: TweetRow
  original: TweetRow | undefined
  /** How the viewer stands to the author of either. */
  standingTo: Standings
}
type Standings = (
  authorId: number,
) => { follows: boolean; mutes: boolean; blocked: boolean } | undefined

/** The rules of `visibility.ts` for tweets whose ids are known already, from memory. */
export function createSight(app: FastifyInstance, { tweets }: TweetMemory) {
  /**
   * Those of these the viewer may see, tombstones included, in the same order. As of the last
   * `app.cache.fresh` or later.
   */
  return async function seen(ids: number[], viewerId?: number, db?: Db | Tx): Promise<Seen[]> {
    const found = await tweets.get(ids, db)
    const originalIds = [...found.values()].flatMap(({ originalId }) => originalId ?? [])
    const originals = await tweets.get(originalIds, db)
    const authors = new Set<number>()
    for (const { authorId } of found.values()) authors.add(authorId)
    for (const { authorId } of originals.values()) authors.add(authorId)
    const [people, standing] = await Promise.all([
      app.users.summaries.get(authors, db),
      viewerId === undefined ? undefined : app.graph.standings.get(viewerId, authors, db),
    ])
    const standingTo: Standings = (authorId) => standing?.get(authorId)
    const mayBeSeen = ({ authorId }: TweetRow) =>
      people.has(authorId) && !standingTo(authorId)?.blocked
    return ids.flatMap((id): Seen[] => {
      const row = found.get(id)
      if (!row || !mayBeSeen(row)) return []
      if (row.originalId === null) return [{ row, original: undefined, standingTo }]
      const original = originals.get(row.originalId)
      if (!original || original.deleted || !mayBeSeen(original)) return []
      return [{ row, original, standingTo }]
    })
  }
}
