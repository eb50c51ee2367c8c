import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import t, { type Test } from 'tap'
import { build } from '../../app.ts'
import { type App, drained, settings } from '../helper.ts'
import { formOf, objectKeys, orphanKeys, plain, uploadedFiles } from '../multipart.ts'
import { startMysqlFaultProxy } from '../mysql-fault-proxy.ts'
import { startS3FaultProxy } from '../s3-fault-proxy.ts'
import { spawnServer } from '../server/spawn.ts'

// The server is killed at each step of an upload and of a deletion. The steps are seen from outside:
// by what it asks the object store and the database for, in ways to them that can hold a step.

const env = await settings(t)
const front = await startS3FaultProxy(t, env.S3_ENDPOINT ?? '')
const database = new URL(env.DATABASE_URL ?? '')
const relay = await startMysqlFaultProxy(Number(database.port))
t.teardown(relay.stop)
database.port = String(relay.port)
const app: App = await build(env)
t.teardown(() => app.close())
// Here it only looks: the jobs are for the servers that are killed.
await app.jobs.stop()
const jpeg = await plain(900, 900)
const pids: number[] = []

type Client = Awaited<ReturnType<typeof startServer>>

async function startServer(t: Test) {
  const server = await spawnServer(t, {
    ...env,
    S3_ENDPOINT: front.url,
    DATABASE_URL: database.href,
  })
  await server.ready()
  const pid = server.child.pid ?? 0
  pids.push(pid)
  const send = async (line: string, body?: object, token?: string) => {
    const [method = '', path = ''] = line.split(' ')
    const form = body instanceof FormData
    const response = await fetch(server.url + path, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body && !form && { 'content-type': 'application/json' }),
      },
      ...(body && { body: form ? body : JSON.stringify(body) }),
    })
    return response.status === 204 ? undefined : ((await response.json()) as any)
  }
  const email = `${crypto.randomUUID()}@example.com`
  const account = { name: 'Somebody', email, password: 'correct horse battery' }
  const { accessToken } = await send('POST /v1/auth/sign-up', account)
  const ask = (line: string, body?: object) => send(line, body, accessToken)
  const kill = async () => {
    server.child.kill('SIGKILL')
    await server.exited
  }
  return { ask, kill, pid }
}

/** Reached when the store has been asked so often; the call is held back, or its answer is. */
function store(method: string, nth: number, when: 'before' | 'after') {
  const { promise, resolve } = Promise.withResolvers<void>()
  let calls = 0
  front.misbehave(({ request, response, pass }) => {
    if (request.method !== method || ++calls < nth) return pass()
    if (when === 'before') return resolve()
    // The answer of the store goes nowhere.
    response.end = () => {
      resolve()
      return response
    }
    response.write = () => true
    pass()
  })
  return promise
}

async function temporaryFile(pid: number) {
  while (uploadedFiles(pid).length === 0) await sleep(1)
}

/** Every row has all of its objects, whatever else there may be. */
async function check(t: Test) {
  const there = new Set(await objectKeys(app))
  const { media, users } = app.tables
  const needed = (await app.db.select().from(media)).flatMap(({ key, variants }) =>
    variants.map(({ limit }) => `media/${key}/${limit}.webp`),
  )
  for (const { avatarKey } of await app.db.select().from(users))
    if (avatarKey) needed.push(...app.users.pictures.avatar.objects(avatarKey))
  t.strictSame(
    needed.filter((key) => !there.has(key)),
    [],
    'no row without its objects',
  )
  return { needed, there }
}

/** The commit of a transaction that has said this. */
const commitOf = (statement: string) => new RegExp(`${statement}.*; commit$`, 's')

type Steps = Record<string, (client: Client) => Promise<void>>

async function killAtEach(t: Test, steps: Steps, work: (client: Client) => Promise<unknown>) {
  for (const [label, step] of Object.entries(steps)) {
    await t.test(label, async (t) => {
      const client = await startServer(t)
      let answered = false
      const begun = Promise.withResolvers<void>()
      const reached = begun.promise.then(() => step(client))
      // Whatever comes before the step is prepared in it; the answer never comes.
      const working = work({
        ...client,
        ask: (...args) => {
          if (/^(POST \/v1\/media|PUT|DELETE)/.test(args[0])) begun.resolve()
          return client.ask(...args)
        },
      }).then(
        () => {
          answered = true
        },
        () => {},
      )
      const late = sleep(15_000, 'late', { ref: false })
      const outcome = await Promise.race([reached, late])
      t.equal(outcome, undefined, 'the step was reached')
      await client.kill()
      front.misbehave()
      await working
      t.comment(answered ? 'after its answer' : 'before its answer')
      await check(t)
    })
  }
}

t.test('kill -9 during an upload leaves no inconsistency', { timeout: 240_000 }, (t) =>
  killAtEach(
    t,
    {
      'while the file lies on disk': ({ pid }) => temporaryFile(pid),
      'before the first object': () => store('PUT', 1, 'before'),
      'after the first object': () => store('PUT', 1, 'after'),
      'after the last object': () => store('PUT', 3, 'after'),
      'before the row': () => relay.reach(/insert into `media`/, 'before'),
      'after the row': () => relay.reach(/insert into `media`/, 'after'),
      'before the commit': () => relay.reach(commitOf('insert into `media`'), 'before'),
      'after the commit': () => relay.reach(commitOf('insert into `media`'), 'after'),
    },
    ({ ask }) => ask('POST /v1/media', formOf(jpeg)),
  ),
)

t.test('kill -9 during a new profile picture leaves no inconsistency', { timeout: 240_000 }, (t) =>
  killAtEach(
    t,
    {
      'before the row': () => relay.reach(/update `users` set `avatar_key`/, 'before'),
      'before the commit': () => relay.reach(commitOf('`avatar_key`'), 'before'),
      'after the commit': () => relay.reach(commitOf('`avatar_key`'), 'after'),
      'before the old objects go': () => store('POST', 1, 'before'),
      'after the old objects are gone': () => store('POST', 1, 'after'),
    },
    async ({ ask }) => {
      await ask('PUT /v1/users/me/avatar', formOf(jpeg))
      await ask('PUT /v1/users/me/avatar', formOf(jpeg))
    },
  ),
)

t.test('kill -9 during a deletion leaves no inconsistency', { timeout: 240_000 }, async (t) => {
  await killAtEach(
    t,
    {
      'before the commit of the tweet': () => relay.reach(commitOf('update `tweets`'), 'before'),
      'after the commit of the tweet': () => relay.reach(commitOf('update `tweets`'), 'after'),
      'before the row is deleted': () => relay.reach(/delete from `media`/, 'before'),
      'before that commit': () => relay.reach(commitOf('delete from `media`'), 'before'),
      'after that commit': () => relay.reach(commitOf('delete from `media`'), 'after'),
      'before the objects go': () => store('POST', 1, 'before'),
      'after the objects are gone': () => store('POST', 1, 'after'),
    },
    async ({ ask }) => {
      const { id } = await ask('POST /v1/media', formOf(jpeg))
      const tweet = await ask('POST /v1/tweets', { mediaIds: [id] })
      await ask(`DELETE /v1/tweets/${tweet.id}`)
    },
  )
})

t.test('the sweep finds exactly the objects without a row', async (t) => {
  const last = await build({ ...env, LOG_LEVEL: 'silent' })
  t.teardown(() => last.close())
  t.ok(pids.length > 15)
  t.strictSame(pids.flatMap(uploadedFiles), [], 'temporary files are gone')
  // Jobs that a killed process was at are due again when their lease has ended; here, now.
  await last.db.execute(sql`UPDATE jobs SET run_at = NOW(3) WHERE unique_key IS NULL`)
  await drained(last)
  const { needed, there } = await check(t)
  const orphans = await orphanKeys(last)
  t.ok(orphans.length >= 1 + 3 + 3, `${orphans.length} orphans`)
  t.strictSame(orphans, [...there].filter((key) => !needed.includes(key)).sort())
  await last.s3.remove(orphans)
  t.strictSame(await objectKeys(last), needed.sort(), 'every other object has its row')
  const [rows] = await last.db.execute(
    sql`SELECT media.id FROM media JOIN tweets ON tweets.id = tweet_id WHERE deleted_at IS NOT NULL`,
  )
  t.strictSame(rows, [], 'deleted objects are gone')
})
