import type { Resources } from 'birdhouse'
import type { TweetRow } from './cache.ts'

type Author = Resources['UserSummary']
type Parent = { readonly id: number; readonly deleted: boolean; readonly author: Author | null }
export type SharedPart = ReturnType<typeof toPart>

/** Builds what all viewers of a tweet share, and keeps it as long as the cached row. */
export function createSharedParts() {
  const known = new WeakMap<TweetRow, SharedPart>()

  /** The result is shared between requests; never mutate it. */
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
