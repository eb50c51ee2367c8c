import type { Resources } from 'fastify'
import type { TweetRow } from './cache.ts'

type Author = Resources['UserSummary']
type Parent = { readonly id: number; readonly deleted: boolean; readonly author: Author | null }
export type SharedPart = ReturnType<typeof toPart>

/** What a tweet shows to everyone: remembered for as long as its row and its author are. */
export function createSharedParts() {
  const known = new WeakMap<TweetRow, SharedPart>()

  /** Whoever gets it leaves it as it is. */
  return function partOf(row: TweetRow, author: Author, replyTo: Parent | null) {
    const one = known.get(row)
    if (one && one.author === (row.deleted ? null : author) && isSame(one.replyTo, replyTo)) {
      return one
    }
    const part = toPart(row, author, replyTo)
    known.set(row, part)
    return part
  }
}

/** The properties of `SHARED_WITH_ALL` in schemas.ts. */
function toPart(row: TweetRow, author: Author, replyTo: Parent | null) {
  const { authorId: _, originalId, replyToId, mediaCount, ...shown } = row
  return Object.freeze({ ...shown, author: row.deleted ? null : author, replyTo })
}

const isSame = (one: Parent | null, other: Parent | null) =>
  one?.id === other?.id && one?.deleted === other?.deleted && one?.author === other?.author
