import { createRandom } from '../../demo/random.ts'
import { idsOf, type Sizes } from './sizes.ts'

export type Graph = ReturnType<typeof createGraph>

/** The weight of rank r is r to this power; then over half of all users follow a few authors. */
const POPULARITY = -0.8

/** Draws from 1..count by weight. */
export function weightedPicker(count: number, weight: (place: number) => number) {
  const sums = new Float64Array(count + 1)
  for (let n = 1; n <= count; n++) sums[n] = (sums[n - 1] ?? 0) + weight(n)
  return (uniform: number) => {
    const target = uniform * (sums[count] ?? 0)
    let [low, high] = [1, count]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] ?? 0) > target) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** A rank for each of 1..count, independent of ids and of the other ranking. */
export function ranking(count: number, seed: number) {
  const random = createRandom(seed)
  const places = Uint32Array.from({ length: count }, (_, n) => n + 1)
  for (let n = count - 1; n > 0; n--) {
    const other = random.between(0, n)
    const kept = places[n] ?? 0
    places[n] = places[other] ?? 0
    places[other] = kept
  }
  return (n: number) => places[n - 1] ?? 1
}

/** Followees in one array by follower; `followersOf` inverts it. */
export function createGraph(sizes: Sizes) {
  const ids = idsOf(sizes)
  const random = createRandom(1)
  const rank = ranking(sizes.people, 2)
  const pick = weightedPicker(sizes.people, (place) => rank(place) ** POPULARITY)
  const starts = new Uint32Array(ids.users + 2)
  const followees: number[] = []
  const followers = new Uint32Array(ids.users + 1)
  for (let follower = 1; follower <= ids.users; follower++) {
    starts[follower] = followees.length
    for (const followee of chosen(follower)) {
      followees.push(followee)
      followers[followee] = (followers[followee] ?? 0) + 1
    }
  }
  starts[ids.users + 1] = followees.length

  function chosen(follower: number) {
    if (follower < ids.firstReader) return draw(follower, sizes.followees)
    if (follower < ids.firstAuthor) {
      const kind = Math.floor((follower - ids.firstReader) / sizes.readersOfAKind)
      return draw(follower, sizes.readers[kind] ?? 0)
    }
    if (follower < ids.firstSilent) return []
    const place = follower - ids.firstSilent
    return sizes.authors.flatMap((count, kind) => (place < count ? [ids.authorOf(kind)] : []))
  }

  function draw(follower: number, count: number) {
    const drawn = new Set<number>()
    while (drawn.size < count) {
      const followee = pick(random.next())
      if (followee !== follower) drawn.add(followee)
    }
    return drawn
  }

  return {
    ids,
    followers,
    count: followees.length,
    followeesOf: (follower: number) =>
      followees.slice(starts[follower] ?? 0, starts[follower + 1] ?? 0),
    isPopular: (author: number) => (followers[author] ?? 0) > sizes.fanOutLimit,
    ...turnedRound(starts, followees, followers),
  }
}

function turnedRound(starts: Uint32Array, followees: number[], followers: Uint32Array) {
  const ends = new Uint32Array(followers.length)
  for (let n = 1; n < ends.length; n++) ends[n] = (ends[n - 1] ?? 0) + (followers[n] ?? 0)
  const next = ends.map((end, n) => end - (followers[n] ?? 0))
  const firsts = next.slice()
  const list = new Uint32Array(followees.length)
  for (let follower = 1; follower < starts.length - 1; follower++) {
    for (let n = starts[follower] ?? 0; n < (starts[follower + 1] ?? 0); n++) {
      const followee = followees[n] ?? 0
      const place = next[followee] ?? 0
      list[place] = follower
      next[followee] = place + 1
    }
  }
  return { followersOf: (author: number) => list.subarray(firsts[author], ends[author]) }
}
