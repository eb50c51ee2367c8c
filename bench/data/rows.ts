import { createRandom } from '../../demo/random.ts'
import type { Entries } from './entries.ts'
import type { Graph } from './graph.ts'
import type { History } from './history.ts'
import type { Sizes } from './sizes.ts'
import { createTexts } from './texts.ts'

export type World = { sizes: Sizes; graph: Graph; history: History; entries: Entries }
export type Table = { name: string; columns: string; rows: () => Iterable<string> }

/** Milliseconds: all tweets fill one year. */
const FROM = Date.UTC(2024, 0, 1)
const YEAR = 365 * 86_400_000
const EARLY = '2023-12-01 00:00:00.000'
const NULL = '\\N'
/** One tweet in this many gets likes; newer tweets get more. */
const LIKED = 10
const LUCK = 4

/** All rows in the order of primary keys, as lines for LOAD DATA. */
export function createTables(world: World): Table[] {
  const { sizes, graph, history, entries } = world
  const { ids } = graph
  const likes = createLikes(world)
  const readers = () => range(1, Math.min(ids.users, sizes.loaded))
  return [
    { name: 'timeline_entries', columns: 'reader_id, tweet_id', rows: entryRows },
    {
      name: 'tweets',
      columns: 'id, author_id, text, reply_to_id, retweet_of_id, created_at, undelivered',
      rows: tweetRows,
    },
    {
      name: 'follows',
      columns: 'follower_id, followee_id, created_at, delivery',
      rows: followRows,
    },
    { name: 'likes', columns: 'user_id, tweet_id, created_at', rows: likes.rows },
    {
      name: 'users',
      columns: 'id, handle, email, name, profile, password_hash, avatar_key, created_at',
      rows: userRows,
    },
    { name: 'tweet_counts', columns: 'tweet_id, likes, retweets, replies', rows: tweetCountRows },
    { name: 'user_counts', columns: 'user_id, followers, followees, tweets', rows: userCountRows },
    {
      name: 'timeline_states',
      columns: 'reader_id, delivery, floor_id, seen_at',
      rows: stateRows,
    },
    { name: 'popular_authors', columns: 'author_id', rows: popularRows },
  ]

  function* userRows() {
    const { pick } = createRandom(6)
    const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_']
    for (const id of range(1, ids.users)) {
      const key = id % 10 < 7 ? Array.from({ length: 32 }, () => pick(letters)).join('') : NULL
      yield `${id}\tperson${id}\tperson${id}@example.com\tPerson No. ${id}\tI watch birds.\t\t${key}\t${EARLY}\n`
    }
  }

  function* followRows() {
    for (const follower of readers()) {
      for (const followee of graph.followeesOf(follower).sort((a, b) => a - b)) {
        yield `${follower}\t${followee}\t${EARLY}\t${graph.isPopular(followee) ? 0 : 2}\n`
      }
    }
  }

  function* tweetRows() {
    const text = createTexts()
    for (const id of range(1, sizes.tweets)) {
      const original = history.retweetOf[id] || NULL
      const at = new Date(FROM + Math.floor((YEAR * id) / sizes.tweets)).toISOString()
      const words = original === NULL ? text(id) : NULL
      yield `${id}\t${history.authors[id]}\t${words}\t${history.replyTo[id] || NULL}\t${original}\t${at.slice(0, -1)}\t${NULL}\n`
    }
  }

  function* entryRows() {
    for (const reader of readers())
      for (const id of entries.idsOf(reader)) yield `${reader}\t${id}\n`
  }

  function* stateRows() {
    for (const reader of readers()) yield `${reader}\t2\t${entries.floorOf(reader)}\t${EARLY}\n`
  }

  function* popularRows() {
    for (const id of range(1, ids.users)) if (graph.isPopular(id)) yield `${id}\n`
  }

  function* tweetCountRows() {
    const { retweets, replies } = history.counts
    for (const id of range(1, sizes.tweets)) {
      const counts = [likes.perTweet[id] ?? 0, retweets[id] ?? 0, replies[id] ?? 0]
      if (counts.some(Boolean)) yield `${id}\t${counts.join('\t')}\n`
    }
  }

  function* userCountRows() {
    for (const id of range(1, ids.users)) {
      const followees = graph.followeesOf(id).length
      yield `${id}\t${graph.followers[id]}\t${followees}\t${history.perAuthor[id]}\n`
    }
  }
}

/** Each user likes different tweets, chosen at random. */
function createLikes({ sizes, history }: World) {
  const random = createRandom(7)
  const perTweet = new Uint32Array(sizes.tweets + 1)
  const each = Math.round(sizes.likes / sizes.people)
  const liked = Array.from({ length: sizes.people }, () => {
    const chosen = new Set<number>()
    for (let n = 0; n < each; n++) {
      const age = Math.floor(random.next() ** LUCK * (sizes.tweets / LIKED))
      const id = sizes.tweets - age * LIKED
      chosen.add(history.retweetOf[id] || id)
    }
    for (const id of chosen) perTweet[id] = (perTweet[id] ?? 0) + 1
    return [...chosen].sort((a, b) => a - b)
  })

  function* rows() {
    for (const [n, ids] of liked.entries())
      for (const id of ids) yield `${n + 1}\t${id}\t${EARLY}\n`
  }

  return { perTweet, rows }
}

function* range(from: number, to: number) {
  for (let n = from; n <= to; n++) yield n
}
