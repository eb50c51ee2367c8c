import type { Follow } from './graph.ts'
import type { Random } from './random.ts'
import type { DemoTweet } from './tweets.ts'

/** Indexes in the lists of people and of tweets. */
export type Like = { user: number; tweet: number; createdAt: Date }

/** Milliseconds; most likes are given within the first hours. */
const LASTING = 2 * 24 * 3600 * 1000

/** Likes by followers: few tweets get many likes, many get none. Oldest first. */
export function createLikes(tweets: DemoTweet[], follows: Follow[], random: Random, until: number) {
  const followers = Map.groupBy(follows, ({ followee }) => followee)
  return tweets
    .flatMap((tweet, index) => (tweet.text === undefined ? [] : likesOf(tweet, index)))
    .sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime())

  function likesOf({ author, createdAt }: DemoTweet, tweet: number): Like[] {
    const fans = followers.get(author.index) ?? []
    const count = Math.round(fans.length * 0.6 * random.next() ** 4)
    return random.sample(fans, count).map(({ follower }) => {
      const time = createdAt.getTime() + LASTING * random.next() ** 3
      return { user: follower, tweet, createdAt: new Date(Math.min(time, until)) }
    })
  }
}
