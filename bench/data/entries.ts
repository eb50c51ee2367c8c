import type { Graph } from './graph.ts'
import type { History } from './history.ts'
import type { Sizes } from './sizes.ts'

export type Entries = ReturnType<typeof createEntries>

/** The newest tweets of each reader's timeline, without those of popular authors. */
export function createEntries(sizes: Sizes, graph: Graph, history: History) {
  const { users } = graph.ids
  const ends = new Float64Array(users + 1)
  for (let reader = 1; reader <= users; reader++) {
    ends[reader] = (ends[reader - 1] ?? 0) + Math.min(sizes.keep, available(reader))
  }
  const list = new Uint32Array(ends[users] ?? 0)
  // Filled from the end, newest first, so that each reader's ids ascend.
  const next = ends.slice()
  let missing = list.length
  for (let id = sizes.tweets; id > 0 && missing > 0; id--) {
    const author = history.authors[id] ?? 0
    give(author, id)
    if (!graph.isPopular(author)) for (const reader of graph.followersOf(author)) give(reader, id)
  }

  function available(reader: number) {
    let sum = history.perAuthor[reader] ?? 0
    for (const author of graph.followeesOf(reader)) {
      if (!graph.isPopular(author)) sum += history.perAuthor[author] ?? 0
    }
    return sum
  }

  function give(reader: number, id: number) {
    const place = (next[reader] ?? 0) - 1
    if (place < (ends[reader - 1] ?? 0)) return
    list[place] = id
    next[reader] = place
    missing--
  }

  const idsOf = (reader: number) => list.subarray(ends[reader - 1], ends[reader])

  return {
    count: list.length,
    idsOf,
    /** The id from which a reader's entries are complete; 0 if all entries are present. */
    floorOf: (reader: number) => {
      const ids = idsOf(reader)
      return ids.length < sizes.keep ? 0 : (ids[0] ?? 0)
    },
  }
}
