import { setTimeout as sleep } from 'node:timers/promises'
import { type Account, createApi } from './api.ts'
import type { Outcome, Scenario } from './scenario.ts'

/** One account's tweets of the attack, each with this many mentions. */
const TWEETS = 737
const MENTIONS = 10
/** Simultaneous requests of the attacker. */
const CONNECTIONS = 32
/** Milliseconds between two looks at notifications, and until a person stops looking. */
const LOOK = 50
const PATIENCE = 240_000

type Api = ReturnType<typeof createApi>

/** Milliseconds from an act until its notification is in the list of `reader`. */
async function arrival(api: Api, reader: Account, act: () => Promise<{ id: number }>) {
  const begun = performance.now()
  const { id } = await act()
  while (performance.now() - begun < PATIENCE) {
    const { items } = await api.send('GET /v1/notifications?limit=5', { as: reader })
    if (items.some((one: { tweet?: { id: number } }) => one.tweet?.id === id)) break
    await sleep(LOOK)
  }
  return performance.now() - begun
}

const flood: Scenario = {
  name: 'notifications',
  title: `one account tweets ${TWEETS} times with ${MENTIONS} mentions; people like and mention`,
  // The account writes as fast as it can, as many accounts could within their limits.
  env: { LIMIT_WRITE: 'off', LIMIT_READ: 'off' },
  async prepare({ port }) {
    const api = createApi(port)
    const attacker = await api.signUp('Attacker')
    const [person, friend] = [await api.signUp('Person'), await api.signUp('Friend')]
    const victims = await Promise.all(
      Array.from({ length: MENTIONS }, (_, n) => api.signUp(`Victim ${n}`)),
    )
    const text = victims.map(({ handle }) => `@${handle}`).join(' ')
    const post = (as: Account, words: string) =>
      api.send('POST /v1/tweets', { as, body: { text: words } })

    async function like() {
      const tweet = await post(friend, 'hello')
      return arrival(api, friend, async () => {
        await api.send(`PUT /v1/tweets/${tweet.id}/like`, { as: person })
        return tweet
      })
    }
    const mention = () => arrival(api, friend, () => post(person, `hello @${friend.handle}`))

    async function attack() {
      const outcome: Outcome = { latencies: [], answers: {} }
      let left = TWEETS
      const one = async () => {
        while (left-- > 0) {
          const begun = performance.now()
          await post(attacker, `${text} ${left}`)
          outcome.latencies.push(performance.now() - begun)
          outcome.answers['2xx'] = (outcome.answers['2xx'] ?? 0) + 1
        }
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, one))
      return outcome
    }

    return {
      honest: async () => ({
        latencies: await Promise.all([like(), mention()]),
        answers: { arrived: 2 },
      }),
      attack,
    }
  },
}

export default [flood]
