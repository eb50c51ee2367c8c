import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import t from 'tap'
import { extensionFolders, index, service } from '../../extension-folder.ts'
import { call, drained, read, setUp, signUp, tweet } from '../../helper.ts'

// An extension that takes every connection it can get.

const hog = extensionFolders(t)('hog', {
  'service.js': `
    import { sql } from 'drizzle-orm'
    import { setTimeout as sleep } from 'node:timers/promises'
    ${service(
      `
    app.decorate('hog', { naps: false })
    app.resources.addField(['User'], 'nap', {
      schema: { type: 'string' },
      read: async () => {
        if (app.hog.naps) await app.db.execute(sql\`SELECT SLEEP(20) AS nap\`)
        return new Map()
      },
    })
    app.jobs.define('hog.job', async () => {
      if (app.hog.naps) await app.db.execute(sql\`SELECT SLEEP(20) AS job\`)
    }, { timeout: 1, maxAttempts: 1 })`,
      'hog',
      ['users.service'],
    )}`,
  'index.js': `
    import { sql } from 'drizzle-orm'
    import { setTimeout as sleep } from 'node:timers/promises'
    ${index(`
    const config = { deadline: 1_000 }
    const schema = { hide: true }
    app.get('/hog/hold', { schema }, () => app.transaction(async (tx) => {
      await tx.execute(sql\`SELECT 1\`)
      await sleep(7_000)
    }))
    app.get('/hog/late', { schema, config }, () => app.transaction(async (tx) => {
      await tx.execute(sql\`SELECT 1\`)
      await new Promise(() => {})
    }))
    app.get('/hog/query', { schema, config }, () => app.db.execute(sql\`SELECT SLEEP(20) AS query\`))
    const prepared = app.prepareQuery((db) => db.select({ nap: sql\`SLEEP(20)\` }).from(app.tables.users).limit(1))
    app.get('/hog/prepared', { schema, config }, () => prepared())
    app.post('/hog/body', { schema, config }, () => app.db.execute(sql\`SELECT SLEEP(20) AS body\`))
    app.get('/hog/nested', { schema }, () => app.transaction(async (tx) => {
      await tx.execute(sql\`SELECT 1\`)
      await app.db.execute(sql\`SELECT 2\`)
      return 'nested'
    }))
    app.get('/hog/streams', { schema, config: { deadline: 300 } }, async (request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200)
      await app.transaction((tx) => tx.execute(sql\`SELECT SLEEP(1)\`))
      reply.raw.end('streamed')
    })
    app.post('/hog/tweet', { schema, onRequest: app.authenticate }, async ({ viewer }) =>
      app.tweets.create({ authorId: viewer.userId, text: 'by a hog' }))
    app.get('/hog/retries', { schema }, async () => {
      const asking = Array.from({ length: 9 }, () => app.db.execute(sql\`SELECT SLEEP(6)\`))
      const answers = await Promise.allSettled(asking)
      return answers.map(({ reason }) => reason && app.errors.isUnavailable(reason))
    })
    app.get('/hog/drizzle', { schema }, () => app.db.transaction(async () => 'begun'))
    `)}`,
})

const app: any = await setUp(t, { EXTENSIONS: hog })
// Over HTTP, because an injected request never has a complete body.
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const ask = (path: string, options: RequestInit = {}) => fetch(`${url}/v1${path}`, options)
const ada = await signUp(app, 'Ada')
await tweet(app, ada)
await drained(app)

/** The milliseconds of the slowest of some reads that follow each other. */
async function slowest(work: () => Promise<unknown>) {
  const took: number[] = []
  for (let n = 0; n < 15; n++) {
    const begin = performance.now()
    await work()
    took.push(performance.now() - begin)
  }
  return Math.max(...took)
}

/** Statements of this database that the server still runs and that contain the text. */
async function running(text: string) {
  const [rows] = await app.db.execute(
    sql`SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE ${`%${text}%`} AND id <> CONNECTION_ID()`,
  )
  return rows.length
}

/** Waits at most 10 s: MariaDB looks every 5 s whether a statement was killed just before it slept. */
async function ended(text: string) {
  const end = performance.now() + 10_000
  while ((await running(text)) > 0) {
    if (performance.now() > end) return false
    await sleep(50)
  }
  return true
}

t.test('transactions of an extension leave connections to the others', async (t) => {
  const holding = Array.from({ length: 30 }, () => call(app, 'GET /v1/hog/hold'))
  await sleep(200)
  const took = await slowest(() => read(app, '/v1/tweets', ada))
  t.ok(took < 500, `a page took ${Math.round(took)} ms`)
  const first = await Promise.race(holding)
  t.match(first.body, { status: 503, code: 'EXTENSION_BUSY', detail: /The extension hog / })
  t.ok(first.headers['retry-after'])
  await Promise.all(holding)
})

t.test('work of others that a request of an extension starts is not limited', async (t) => {
  const { status } = await call(app, 'POST /v1/hog/tweet', { as: ada })
  const holding = Array.from({ length: 30 }, () => call(app, 'GET /v1/hog/hold'))
  t.equal(status, 200)
  const begin = performance.now()
  await drained(app)
  t.ok(performance.now() - begin < 3_000, 'the jobs of the tweet have run')
  await Promise.all(holding)
})

t.test('statements of a request end at its deadline', async (t) => {
  const body = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }
  for (const [path, text, options] of [
    ['/hog/query', 'AS query', {}],
    ['/hog/prepared', 'SLEEP(20)', {}],
    ['/hog/body', 'AS body', body],
  ] as const) {
    const asking = ask(path, options)
    await sleep(500)
    t.equal(await running(text), 1, `${path} runs`)
    t.match(await (await asking).json(), { status: 503, code: 'TOO_SLOW' })
    t.ok(await ended(text), `${path} has ended`)
  }
})

t.test('a transaction that is open at the deadline is rolled back', async (t) => {
  const { promise, resolve } = Promise.withResolvers<any>()
  app.mysql.pool.once('acquire', resolve)
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask('/hog/late')))
  for (const answer of answers) t.match(await answer.json(), { code: 'TOO_SLOW' })
  await sleep(700)
  const { threadId } = await promise
  const [rows] = await app.db.execute(
    sql`SELECT id FROM information_schema.processlist WHERE id = ${threadId}`,
  )
  t.strictSame(rows, [], 'its connection is closed')
})

t.test('a statement that was refused may be retried', async (t) => {
  const retry = (await call(app, 'GET /v1/hog/retries')).body
  t.strictSame(
    retry.filter((one: unknown) => one !== null),
    Array(5).fill(true),
  )
})

t.test('a statement within a transaction has a connection of its own', async (t) => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call(app, 'GET /v1/hog/nested')),
  )
  t.strictSame([...new Set(answers.map(({ body }) => body))], ['nested'])
})

t.test('an answer that has begun may continue', async (t) => {
  t.equal((await call(app, 'GET /v1/hog/streams')).body, 'streamed')
})

t.test('statements of a field end with the field', async (t) => {
  app.hog.naps = true
  const reading = Array.from({ length: 30 }, () => read(app, `/v1/users/${ada.id}`))
  await sleep(200)
  const took = await slowest(() => read(app, '/v1/tweets', ada))
  t.ok(took < 500, `a page took ${Math.round(took)} ms`)
  await Promise.all(reading)
  t.ok(await ended('AS nap'))
  app.hog.naps = false
})

t.test('statements of a job end at its timeout', async (t) => {
  app.hog.naps = true
  await app.transaction((tx: any) => app.jobs.add(tx, ['hog.job'], {}))
  while ((await running('AS job')) === 0) await sleep(20)
  t.ok(await ended('AS job'))
  app.hog.naps = false
})

t.test('a transaction of Drizzle is refused with the name of the right function', async (t) => {
  t.equal((await call(app, 'GET /v1/hog/drizzle')).status, 500)
})
