import type { Follow } from './graph.ts'
import type { Topic } from './languages.ts'
import type { Person } from './people.ts'
import type { Random } from './random.ts'
import { createWriter } from './texts.ts'

/** `author` is an index in the list of people; `replyTo` and `retweetOf` are indexes in that of tweets. */
export type DemoTweet = {
  author: Person
  text?: string
  replyTo?: number
  retweetOf?: number
  topic?: Topic
  createdAt: Date
}

const SHARE = { replies: 0.25, retweets: 0.08 }
/** A reply or retweet refers to one of this many last tweets, about two days. */
const RECENT = 300

/** Oldest first. */
export function createTweets(people: Person[], follows: Follow[], random: Random, times: number[]) {
  const writer = createWriter(random)
  const speakers = Map.groupBy(people, ({ language }) => language)
  const followers = Map.groupBy(follows, ({ followee }) => followee)
  const tweets: DemoTweet[] = []
  const retweeted = new Set<string>()
  for (const time of times) tweets.push({ ...next(), createdAt: new Date(time) })
  return tweets

  function next() {
    const roll = random.next()
    if (roll < SHARE.replies) return reply() ?? post()
    if (roll < SHARE.replies + SHARE.retweets) return retweet() ?? post()
    return post()
  }

  function post() {
    const author = random.pick(people)
    const topic = random.pick(author.interests)
    return { author, topic, text: writer.post(author, topic) }
  }

  function reply() {
    const replyTo = recent()
    const parent = tweets[replyTo]
    if (!parent) return undefined
    const peers = speakers.get(parent.author.language)?.filter((peer) => peer !== parent.author)
    const author = random.pick(peers ?? [])
    return { author, replyTo, text: writer.reply(author, replyTo, parent.topic) }
  }

  function retweet() {
    const retweetOf = recent()
    const fans = followers.get(tweets[retweetOf]?.author.index ?? -1)
    if (!fans) return undefined
    const author = people[random.pick(fans).follower]
    const key = `${author?.index} ${retweetOf}`
    if (!author || retweeted.has(key)) return undefined
    retweeted.add(key)
    return { author, retweetOf }
  }

  /** The best known of a few recent tweets that are not retweets; -1 if there is none. */
  function recent() {
    const tries = Array.from({ length: 4 }, () => {
      return tweets.length - 1 - Math.floor(RECENT * random.next() ** 2)
    })
    const fame = (index: number) => tweets[index]?.author.fame ?? 0
    return tries
      .filter((index) => tweets[index]?.text !== undefined)
      .reduce((best, index) => (fame(index) > fame(best) ? index : best), -1)
  }
}
