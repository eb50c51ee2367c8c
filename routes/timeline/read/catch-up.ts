import type { FastifyInstance } from 'birdhouse'
import { SIZES } from '../sizes.ts'
import type { createReadChunk } from './chunk.ts'
import { TOP } from './merge-by-author.ts'
import type { RecentTweet } from './recent-tweets.ts'

export type Relations = {
  hasRelations: boolean
  /** Followees, read on demand; null if the reader has too many. */
  followees?: Float64Array | null
}
type Read = Pick<ReturnType<typeof createReadChunk>, 'applyRules' | 'readFollowees'> & {
  /** True until a change of the reader's relationships or reactions evicts the timeline. */
  isCurrent: (timeline: Relations, readerId: number) => boolean
}

/** Selects the recent tweets that belong on a cached timeline. */
export function createShownAmong(app: FastifyInstance, read: Read, sizes = SIZES) {
  const { applyRules, readFollowees, isCurrent } = read
  const { visible } = app.tweets.MARKS

  /** Returns rows, or undefined when there are too many tweets to check in the database. */
  async function shownAmong(recent: RecentTweet[], timeline: Relations, readerId: number) {
    if (timeline.followees === undefined) timeline.followees = await followeesOf(readerId)
    const { followees } = timeline
    const ids: number[] = []
    for (const { id, authorId } of recent)
      if (authorId && (!followees || authorId === readerId || followees.includes(authorId)))
        ids.push(id)
    const tweets = [...(await app.tweets.cached(ids)).values()]

    // Only blocks and mutes hide a followee's tweet, and the reader's reaction to it evicts the timeline.
    const isUnrelated = followees && !timeline.hasRelations && isCurrent(timeline, readerId)
    const needRules = tweets.filter(({ originalId }) => !isUnrelated || originalId !== null)
    if (needRules.length > sizes.maxRecentTweets) return undefined
    const checked = await check(
      needRules.map(({ id }) => id),
      readerId,
    )
    const shown = isUnrelated ? tweets.filter(({ originalId }) => originalId === null) : []
    return [...shown.map(toRow), ...checked]
  }

  const toRow = ({ id, replyToId }: { id: number; replyToId: number | null }) => ({
    id,
    originalId: null,
    parentId: replyToId,
    marks: visible as number,
  })

  async function check(ids: number[], readerId: number) {
    // The reader may block somebody now.
    const candidates = { ids, authorIds: [], hasRelations: true }
    const all = { below: TOP, from: 0, limit: ids.length }
    return (await applyRules(readerId, candidates, all)).rows
  }

  async function followeesOf(readerId: number) {
    const ids = await readFollowees(readerId, sizes.maxFollowees + 1)
    return ids.length > sizes.maxFollowees ? null : Float64Array.from(ids)
  }

  return shownAmong
}
