import { createFollows } from './graph.ts'
import { createLikes } from './likes.ts'
import { createPeople } from './people.ts'
import { createRandom } from './random.ts'
import { createTweets } from './tweets.ts'

export type World = ReturnType<typeof createWorld>

const SEED = 20_260_401
const TWEETS = 5_000
const DAY = 24 * 3600 * 1000
/** Days over which people joined, before the days over which they tweeted. */
const JOINING = 365
const TWEETING = 30

/** All demo data, generated from one seed; only the times depend on `now`. */
export function createWorld(now: number) {
  const random = createRandom(SEED)
  const begin = now - TWEETING * DAY
  const people = createPeople(random, begin - JOINING * DAY, begin)
  const follows = createFollows(people, random)
  const followed = random.moments(follows.length, begin, now)
  const tweets = createTweets(people, follows, random, random.moments(TWEETS, begin, now))
  const likes = createLikes(tweets, follows, random, now)
  return {
    people,
    follows: follows.map((row, i) => ({ ...row, createdAt: new Date(followed[i] ?? now) })),
    tweets,
    likes,
  }
}
