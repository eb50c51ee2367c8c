import { createRandom } from '../../demo/random.ts'
import { type Graph, ranking, weightedPicker } from './graph.ts'
import type { Sizes } from './sizes.ts'

export type History = ReturnType<typeof createHistory>

/** Ratio of the most active author to the least active, see `weightedPicker`. */
const ACTIVITY = -0.5
const RETWEETS = 0.1
const REPLIES = 0.15
/** Distance, in tweets, to the tweet that is retweeted or replied to. */
const RECENT = 20_000

/** Author, parent and original of each tweet, by tweet id. */
export function createHistory(sizes: Sizes, graph: Graph) {
  const random = createRandom(3)
  const rank = ranking(sizes.people, 4)
  const pick = weightedPicker(sizes.people, (place) => rank(place) ** ACTIVITY)
  const { tweets } = sizes
  const authors = new Uint32Array(tweets + 1)
  const retweetOf = new Uint32Array(tweets + 1)
  const replyTo = new Uint32Array(tweets + 1)
  const perAuthor = new Uint32Array(graph.ids.users + 1)
  const counts = { retweets: new Uint32Array(tweets + 1), replies: new Uint32Array(tweets + 1) }
  const retweeted = new Set<number>()
  const special = specialTurns(sizes, graph)
  for (let id = 1; id <= tweets; id++) {
    const author = special.get(id) ?? pick(random.next())
    authors[id] = author
    perAuthor[author] = (perAuthor[author] ?? 0) + 1
    const chance = random.next()
    if (chance < RETWEETS) retweet(id, author, earlier(id))
    else if (chance < RETWEETS + REPLIES) reply(id, earlier(id))
  }

  /** A tweet that is not a retweet, or 0. */
  function earlier(id: number) {
    const other = id - 1 - Math.floor(random.next() ** 3 * Math.min(id - 1, RECENT))
    return other < 1 ? 0 : retweetOf[other] || other
  }

  function retweet(id: number, author: number, original: number) {
    const key = original * (graph.ids.users + 1) + author
    if (original === 0 || retweeted.has(key)) return
    retweeted.add(key)
    retweetOf[id] = original
    counts.retweets[original] = (counts.retweets[original] ?? 0) + 1
  }

  function reply(id: number, parent: number) {
    if (parent === 0) return
    replyTo[id] = parent
    counts.replies[parent] = (counts.replies[parent] ?? 0) + 1
  }

  return { authors, retweetOf, replyTo, perAuthor, counts }
}

/** Tweets of the special authors, spread evenly. */
function specialTurns(sizes: Sizes, { ids }: Graph) {
  const all = sizes.authors.flatMap((_, kind) =>
    Array.from({ length: sizes.tweetsOfAuthor }, () => ids.authorOf(kind)),
  )
  const pace = Math.floor(sizes.tweets / (all.length + 1))
  return new Map(all.map((author, n) => [(n + 1) * pace, author]))
}
