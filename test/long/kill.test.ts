import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import getPort from 'get-port'
import { test } from 'tap'
import { build } from '../../app.ts'
import { countMismatches } from '../counts.ts'
import { type App, settings } from '../helper.ts'
import { spawnServer } from '../server/spawn.ts'

/** Kills of a server under load, besides those of one that is starting. */
const KILLS = 10
const CLIENTS = 8
const ENOUGH_TWEETS = 100
const PASSWORD = 'correct horse battery'

type Person = { id: number; email: string; token: string }
type Request = { token?: string; body?: object; headers?: Record<string, string> }

const pick = <T>(items: T[]) => items[Math.floor(Math.random() * items.length)]

/** The facts that the clients know for sure, because an answer said so. */
function createLedger() {
  return {
    people: new Map<number, Person>(),
    erased: new Set<number>(),
    /** Texts by id, and the author. */
    tweets: new Map<number, { text: string; authorId: number }>(),
    deleted: new Set<number>(),
    /** `user-tweet` and `follower-followee`. */
    likes: new Set<string>(),
    follows: new Set<string>(),
  }
}

type Ledger = ReturnType<typeof createLedger>

/** Sends a request until it is answered; how often that failed says whether it may run twice. */
async function insist(url: string, line: string, { token, body, headers }: Request = {}) {
  const [method = '', path] = line.split(' ')
  for (let failures = 0; ; failures++) {
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(token && { authorization: `Bearer ${token}` }),
          ...(body && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      const answer: any = response.status === 204 ? undefined : await response.json()
      if (response.status < 500) return { status: response.status, answer, repeated: failures > 0 }
      if (response.status !== 503) throw new Error(`${line}: ${JSON.stringify(answer)}`)
    } catch (error) {
      // Refused, reset, or cut off within the answer: the server is dead.
      if (!(error instanceof TypeError) && !(error instanceof SyntaxError)) throw error
    }
    await sleep(30)
  }
}

async function client(url: string, ledger: Ledger, signal: AbortSignal) {
  const unexpected = (what: string, result: object) =>
    new Error(`${what}: ${JSON.stringify(result)}`)

  async function signUp(): Promise<Person> {
    const email = `${randomBytes(8).toString('hex')}@example.com`
    const body = { name: 'Somebody', email, password: PASSWORD }
    let result = await insist(url, 'POST /v1/auth/sign-up', { body })
    if (result.status === 409 && result.repeated)
      result = await insist(url, 'POST /v1/auth/login', { body: { email, password: PASSWORD } })
    if (result.status > 201) throw unexpected('sign-up', result)
    const person = { id: result.answer.user.id, email, token: result.answer.accessToken }
    ledger.people.set(person.id, person)
    return person
  }

  async function tweet({ id: authorId, token }: Person) {
    const text = randomUUID()
    const headers = { 'idempotency-key': randomUUID() }
    const result = await insist(url, 'POST /v1/tweets', { token, body: { text }, headers })
    if (result.status !== 201) throw unexpected('tweet', result)
    ledger.tweets.set(result.answer.id, { text, authorId })
  }

  async function remove({ id: authorId, token }: Person) {
    const own = [...ledger.tweets].filter(
      ([id, tweet]) => tweet.authorId === authorId && !ledger.deleted.has(id),
    )
    const [id] = pick(own) ?? []
    if (!id) return
    const result = await insist(url, `DELETE /v1/tweets/${id}`, { token })
    if (result.status !== 204 && !(result.status === 404 && result.repeated))
      throw unexpected('delete', result)
    ledger.deleted.add(id)
  }

  /** Likes or follows, or takes it back; what it's about may be gone by now. */
  async function relate(person: Person, kind: 'like' | 'follow', target: number | undefined) {
    if (!target || target === person.id) return
    const [path, set] =
      kind === 'like'
        ? [`/v1/tweets/${target}/like`, ledger.likes]
        : [`/v1/users/${target}/follow`, ledger.follows]
    const put = Math.random() < 0.7
    const result = await insist(url, `${put ? 'PUT' : 'DELETE'} ${path}`, { token: person.token })
    if (![204, 404].includes(result.status)) throw unexpected(path, result)
    if (put && result.status === 204) set.add(`${person.id}-${target}`)
    else set.delete(`${person.id}-${target}`)
  }

  async function leave({ id, token }: Person) {
    const result = await insist(url, 'DELETE /v1/users/me', { token, body: { password: PASSWORD } })
    if (result.status !== 204 && !(result.status === 401 && result.repeated))
      throw unexpected('leave', result)
    ledger.erased.add(id)
  }

  let me = await signUp()
  while (!signal.aborted) {
    const dice = Math.random()
    if (dice < 0.4) await tweet(me)
    else if (dice < 0.7) await relate(me, 'like', pick([...ledger.tweets.keys()].slice(-50)))
    else if (dice < 0.87) await relate(me, 'follow', pick([...ledger.people.keys()].slice(-20)))
    else if (dice < 0.96) await remove(me)
    else {
      await leave(me)
      me = await signUp()
    }
  }
}

async function select(app: App, query: string) {
  const [rows] = await app.db.execute(sql.raw(query))
  return rows as unknown as Record<string, any>[]
}

/** Jobs that a killed process was at are due again when their lease, 30 s, has ended. */
async function untilDone(app: App) {
  const query = 'SELECT name, attempts, error, dead_at FROM jobs WHERE unique_key IS NULL'
  const deadline = performance.now() + 90_000
  let left = await select(app, query)
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(250)
    left = await select(app, query)
  }
  return left
}

test('kill -9 under load loses nothing that was acknowledged', async (t) => {
  const port = String(await getPort({ host: '127.0.0.1' }))
  const env = { ...(await settings(t)), PORT: port }
  const starting = await spawnServer(t, env)
  await starting.ready()
  starting.child.kill('SIGKILL')
  await starting.exited

  const url = `http://127.0.0.1:${port}`
  const ledger = createLedger()
  const over = new AbortController()
  const clients = Array.from({ length: CLIENTS }, () => client(url, ledger, over.signal))
  for (let kills = 0; kills < KILLS; kills++) {
    const server = await spawnServer(t, env)
    // A third of them dies while it starts.
    if (kills % 3 === 2) await sleep(600 + Math.random() * 600)
    else await server.ready().then(() => sleep(300 + Math.random() * 1_200))
    server.child.kill('SIGKILL')
    await server.exited
  }
  const last = await spawnServer(t, env)
  await last.ready()
  // On a busy machine the processes were up for too short a time.
  while (ledger.tweets.size <= ENOUGH_TWEETS) await sleep(50)
  over.abort()
  await Promise.all(clients)
  t.comment(Object.fromEntries(Object.entries(ledger).map(([name, { size }]) => [name, size])))
  last.child.kill('SIGKILL')
  await last.exited

  const app: App = await build(env)
  t.teardown(() => app.close())
  t.same(await untilDone(app), [], 'no job is lost, stuck or dead')

  const { people, erased, tweets, deleted, likes, follows } = ledger
  const gone = (tweetId: number) =>
    deleted.has(tweetId) || erased.has(tweets.get(tweetId)?.authorId ?? 0)
  t.same(
    (await select(app, 'SELECT id, email FROM users ORDER BY id')).map(({ email }) => email),
    [...people.values()]
      .filter(({ id }) => !erased.has(id))
      .sort((a, b) => a.id - b.id)
      .map(({ email }) => email),
    'accounts',
  )
  t.same(
    await select(app, 'SELECT id, text FROM tweets WHERE deleted_at IS NULL ORDER BY id'),
    [...tweets]
      .filter(([id]) => !gone(id))
      .map(([id, { text }]) => ({ id, text }))
      .sort((a, b) => a.id - b.id),
    'tweets, each once',
  )
  const pairs = async (query: string) => (await select(app, query)).map(({ pair }) => pair).sort()
  t.same(
    await pairs("SELECT CONCAT(user_id, '-', tweet_id) AS pair FROM likes"),
    [...likes]
      .filter((pair) => {
        const [userId = 0, tweetId = 0] = pair.split('-').map(Number)
        return !erased.has(userId) && !gone(tweetId)
      })
      .sort(),
    'likes, and none of what is gone',
  )
  t.same(
    await pairs("SELECT CONCAT(follower_id, '-', followee_id) AS pair FROM follows"),
    [...follows].filter((pair) => !pair.split('-').some((id) => erased.has(Number(id)))).sort(),
    'follows, and none of who is gone',
  )
  t.same(await countMismatches(app), [], 'counts equal rows')
})
