import type { Person } from './people.ts'
import type { Random } from './random.ts'

/** Both are indexes in the list of people. */
export type Follow = { follower: number; followee: number }

const DEMO = { followees: 40, followers: 25 }
/** Factor by which people rather follow someone of their own language. */
const SHARED_LANGUAGE = 5

/** Nearly everyone follows a few people; most people have a handful of followers. */
export function createFollows(people: Person[], random: Random): Follow[] {
  const [demo, ...others] = people
  if (!demo) return []
  const fans = random.sample(others, DEMO.followers)
  const follows = [
    ...choose(demo, DEMO.followees),
    ...fans.map(({ index }) => ({ follower: index, followee: demo.index })),
    ...others.flatMap((person) => choose(person, 5 + Math.floor(40 * random.next() ** 2))),
  ]
  return random.shuffle(follows)

  function choose(person: Person, count: number) {
    const candidates = others.filter((other) => other !== person)
    const appeal = (other: Person) =>
      other.language === person.language ? other.fame * SHARED_LANGUAGE : other.fame
    return random
      .sample(candidates, count, appeal)
      .map(({ index }) => ({ follower: person.index, followee: index }))
  }
}
