import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { note } from './logs.ts'

/** Each writes, likes and reads its timeline, one request after the other, and follows the next two. */
const PEOPLE = 8
const FOLLOWED = 2
/** Milliseconds after which a request without an answer has failed. */
const PATIENCE = 40_000
/** Milliseconds before a request is sent again. */
const PAUSE = 100
const PASSWORD = randomBytes(16).toString('base64url')

export type Person = { id: number; token: string; refreshToken: string; followees: Person[] }
export type Result = Awaited<ReturnType<Workload['stop']>>
export type Workload = Awaited<ReturnType<typeof startWorkload>>
type Sent = { person?: Person; body?: object; key?: string }

/** Sends requests until stopped, and knows which writes were acknowledged. */
export async function startWorkload(url: string) {
  const tweets = new Map<number, { text: string; authorId: number }>()
  const likes = new Map<number, Set<number>>()
  /** Milliseconds of an answer, by what it was. */
  const latencies: number[] = []
  const failures: { at: number; why: string }[] = []
  let sent = 0
  let lastAnswer = performance.now()
  let longestSilence = 0
  let over = false

  /** @throws Error for an answer that no fault explains */
  async function attempt(line: string, { person, body, key }: Sent) {
    const [method = '', path = ''] = line.split(' ')
    const begun = performance.now()
    sent++
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(person && { authorization: `Bearer ${person.token}` }),
        ...(body && { 'content-type': 'application/json' }),
        ...(key && { 'idempotency-key': key }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE),
    })
    const isOurs = response.headers.get('content-type')?.includes('json')
    if (response.status >= 500 && !isOurs) return { failed: `${response.status} of HAProxy` }
    // biome-ignore lint/suspicious/noExplicitAny: the callers know the answers of their routes
    const answer: any = response.status === 204 ? undefined : await response.json()
    if (response.status >= 500) return { failed: `${response.status} ${answer?.code ?? ''}`.trim() }
    if (response.status === 401 && person) {
      await refresh(person)
      return attempt(line, { person, ...(body && { body }), ...(key && { key }) })
    }
    if (response.status >= 400) throw new Error(`${line}: ${JSON.stringify(answer)}`)
    const now = performance.now()
    latencies.push(now - begun)
    longestSilence = Math.max(longestSilence, now - lastAnswer)
    lastAnswer = now
    return { answer }
  }

  /** Sends a request until it is answered, with the same key each time. */
  async function insist(line: string, how: Sent = {}) {
    for (;;) {
      const result = await attempt(line, how).catch((error) => {
        // Refused, cut off, or no answer in time.
        if (!(error instanceof TypeError) && error.name !== 'TimeoutError') throw error
        return { failed: String(error.cause?.code ?? error.name) }
      })
      if ('answer' in result) return result.answer
      failures.push({ at: performance.now(), why: result.failed ?? '' })
      note(`${line.replace(/\d+/, 'N')}: ${result.failed}`)
      await sleep(PAUSE)
    }
  }

  /** Access tokens end after 15 minutes. */
  async function refresh(person: Person) {
    const body = { refreshToken: person.refreshToken }
    const { accessToken, refreshToken } = await insist('POST /v1/auth/refresh', { body })
    Object.assign(person, { token: accessToken, refreshToken })
  }

  async function signUp(): Promise<Person> {
    const email = `${randomUUID()}@birdhouse.example`
    const body = { name: 'Somebody', email, password: PASSWORD }
    const { user, accessToken, refreshToken } = await insist('POST /v1/auth/sign-up', { body })
    return { id: user.id, token: accessToken, refreshToken, followees: [] }
  }

  async function act(person: Person) {
    const { id } = person
    const dice = Math.random()
    if (dice < 0.4) {
      const text = randomUUID()
      const tweet = await insist('POST /v1/tweets', { person, body: { text }, key: randomUUID() })
      tweets.set(tweet.id, { text, authorId: id })
      return
    }
    const liked = [...tweets.keys()].at(-Math.ceil(Math.random() * 50))
    if (dice < 0.6 && liked) {
      await insist(`PUT /v1/tweets/${liked}/like`, { person })
      likes.set(liked, (likes.get(liked) ?? new Set()).add(id))
      return
    }
    await insist('GET /v1/timeline', { person })
  }

  const people = await Promise.all(Array.from({ length: PEOPLE }, signUp))
  for (const [n, person] of people.entries()) {
    for (let next = 1; next <= FOLLOWED; next++) {
      const followee = people[(n + next) % PEOPLE] as Person
      await insist(`PUT /v1/users/${followee.id}/follow`, { person })
      person.followees.push(followee)
    }
  }
  const running = people.map(async (person) => {
    while (!over) await act(person)
  })

  /** Ends when every request that was sent has been answered. */
  async function stop() {
    over = true
    await Promise.all(running)
    const sorted = latencies.toSorted((a, b) => a - b)
    return {
      people,
      tweets,
      likes,
      sent,
      acknowledged: tweets.size + [...likes.values()].reduce((sum, { size }) => sum + size, 0),
      failures,
      longestSilence,
      p50: sorted[Math.floor(sorted.length / 2)] ?? 0,
    }
  }

  return { stop, failures, failed: running }
}
