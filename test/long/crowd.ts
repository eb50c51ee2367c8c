import { randomUUID } from 'node:crypto'

/** Each sends one request after the other, in turn to each process, and follows the next two. */
const PEOPLE = 6
const FOLLOWED = 2
const PASSWORD = randomUUID()

type Person = { id: number; email: string; token: string; followees: number[] }
type Tweet = { id: number; text: string; likeCount: number }
type Page = { items: Tweet[]; nextCursor: string | null }
type Sent = { token?: string; body?: object }

/** People who write and read at the processes that serve at the moment, and know what was acknowledged. */
export function startCrowd() {
  const people: Person[] = []
  const tweets = new Map<number, { text: string; authorId: number }>()
  const likes = new Map<number, Set<number>>()
  const unexpected: string[] = []
  let urls: string[] = []
  let running: Promise<unknown> | undefined
  let turn = 0
  let sent = 0

  async function send(line: string, { token, body }: Sent = {}, url = urls[turn++ % urls.length]) {
    const [method = '', path] = line.split(' ')
    sent++
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const answer: any = response.status === 204 ? undefined : await response.json()
    if (response.status >= 400) throw new Error(`${line}: ${response.status} ${answer?.code}`)
    return answer
  }

  async function signUp(): Promise<Person> {
    const email = `${randomUUID()}@example.com`
    await send('POST /v1/auth/sign-up', { body: { name: 'Somebody', email, password: PASSWORD } })
    // The account of one process logs in at the next, and its token is used at the one after it.
    const body = { email, password: PASSWORD }
    const { accessToken: token } = await send('POST /v1/auth/login', { body })
    const { id } = await send('GET /v1/users/me', { token })
    return { id, email, token, followees: [] }
  }

  async function gather() {
    people.push(...(await Promise.all(Array.from({ length: PEOPLE }, signUp))))
    for (const [n, { token, followees }] of people.entries()) {
      for (let next = 1; next <= FOLLOWED; next++) {
        const { id = 0 } = people[(n + next) % PEOPLE] ?? {}
        await send(`PUT /v1/users/${id}/follow`, { token })
        followees.push(id)
      }
    }
  }

  async function act({ id, token }: Person) {
    const dice = Math.random()
    if (dice < 0.05) return signUp()
    if (dice < 0.4) {
      const text = randomUUID()
      const tweet = await send('POST /v1/tweets', { token, body: { text } })
      return tweets.set(tweet.id, { text, authorId: id })
    }
    const liked = [...tweets.keys()].at(-Math.ceil(Math.random() * 50))
    if (dice < 0.65 && liked) {
      await send(`PUT /v1/tweets/${liked}/like`, { token })
      return likes.set(liked, (likes.get(liked) ?? new Set()).add(id))
    }
    return send(dice < 0.9 ? 'GET /v1/timeline' : 'GET /v1/notifications', { token })
  }

  async function run() {
    if (people.length === 0) await gather()
    const over = () => running === undefined
    await Promise.all(
      people.map(async (person) => {
        while (!over()) await act(person).catch(({ message }) => unexpected.push(message))
      }),
    )
  }

  let ended: Promise<unknown> = Promise.resolve()
  function servedBy(processes: string[]) {
    urls = processes
    if (running) return
    running = Promise.resolve()
    ended = run()
  }

  /** Ends when every request that was sent has been answered. */
  async function pause() {
    running = undefined
    await ended
  }

  /** The people to whom a process shows a timeline that is not exactly what was acknowledged. */
  async function differences(url: string) {
    const different: object[] = []
    for (const { id, token, followees } of people) {
      const sources = new Set([id, ...followees])
      const expected = [...tweets]
        .filter(([, { authorId }]) => sources.has(authorId))
        .map(([tweetId, { text }]) => ({
          id: tweetId,
          text,
          likeCount: likes.get(tweetId)?.size ?? 0,
        }))
        .sort((a, b) => b.id - a.id)
      const shown = await readTimeline(url, token)
      const n = expected.findIndex((tweet, i) => JSON.stringify(tweet) !== JSON.stringify(shown[i]))
      if (n >= 0 || shown.length !== expected.length)
        different.push({
          reader: id,
          n,
          expected: expected[n],
          shown: shown[n],
          lengths: [expected.length, shown.length],
        })
    }
    return different
  }

  async function readTimeline(url: string, token: string) {
    const shown: Tweet[] = []
    for (let cursor = ''; ; ) {
      const page: Page = await send(`GET /v1/timeline?limit=100${cursor}`, { token }, url)
      shown.push(...page.items.map(({ id, text, likeCount }) => ({ id, text, likeCount })))
      if (page.nextCursor === null) return shown
      cursor = `&cursor=${page.nextCursor}`
    }
  }

  const counts = () => `${sent} requests, ${tweets.size} tweets`
  return { servedBy, pause, differences, unexpected, counts }
}
