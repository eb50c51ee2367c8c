import type { Random } from '../../demo/random.ts'
import { weightedPicker } from '../data/graph.ts'

export type Stratum = { authors: number; followers: number }
export type Followers = ReturnType<typeof createFollowers>

/** Followers of the author of rank r are proportional to r to this power, as in the bench's data. */
const POPULARITY = -0.8
/** Maximum share of all users that follows one author. */
const REACH = 0.1
/** Ratio of the ranks of one stratum: precise sums with few strata at any size. */
const STEP = 1.02
const CORRECTIONS = 50

/** Followers of authors from the distribution; a billion users are a thousand strata. */
export function createFollowers(users: number, followees: number) {
  const ranks = strataOf(users)
  const most = users * REACH
  let scale = 1
  let strata: Stratum[] = []
  for (let n = 0; n < CORRECTIONS; n++) {
    strata = ranks.map(({ rank, authors }) => ({
      authors,
      followers: Math.min(most, scale * rank ** POPULARITY),
    }))
    scale *= (followees * users) / totalFollows(strata)
  }
  const pick = weightedPicker(strata.length, (place) => strata[place - 1]?.authors ?? 0)

  /** All authors write equally often, so each author is equally likely. */
  const draw = (random: Random) => strata[pick(random.next()) - 1]?.followers ?? 0

  return { users, strata, draw }
}

function strataOf(users: number) {
  const ranks: { rank: number; authors: number }[] = []
  for (let first = 1, next = 2; first <= users; first = next) {
    next = Math.min(users + 1, Math.max(first + 1, Math.floor(first * STEP)))
    ranks.push({ rank: (first + next - 1) / 2, authors: next - first })
  }
  return ranks
}

const totalFollows = (strata: Stratum[]) =>
  strata.reduce((sum, { authors, followers }) => sum + authors * followers, 0)

export function mergedFollowees({ strata, users }: Followers, limit: number) {
  return totalFollows(strata.filter(({ followers }) => followers > limit)) / users
}

export const authorsAbove = ({ strata }: Followers, limit: number) =>
  strata.reduce((sum, { authors, followers }) => sum + (followers > limit ? authors : 0), 0)

export const mostFollowers = ({ strata }: Followers, limit: number) =>
  Math.max(0, ...strata.map(({ followers }) => followers).filter((one) => one <= limit))

/** Sum over all authors of a value per author of a stratum. */
export const mean = ({ strata, users }: Followers, value: (followers: number) => number) =>
  strata.reduce((sum, { authors, followers }) => sum + authors * value(followers), 0) / users
