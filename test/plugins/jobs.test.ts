import { setTimeout as sleep } from 'node:timers/promises'
import { and, eq, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { build } from '../../app.ts'
import type { Tx } from '../../plugins/db/client.ts'
import type { JobContext } from '../../plugins/jobs/types.ts'
import { settings } from '../helper.ts'

// Tests that mostly wait run beside each other.
t.jobs = 8
// An object each: tap keeps the state of a test in it.
const waiting = () => ({ buffered: true })

const config = await settings(t)
const app = await build(config)
t.teardown(() => app.close())
const { jobs } = app.tables

/** A second process, as far as jobs can tell: only the database is shared. */
async function another(t: Test) {
  const other = await build(config)
  t.teardown(() => other.close())
  return other
}

type TestName = `test.${string}`
let names = 0
const newName = (): TestName => `test.${++names}`

const enqueue = (name: TestName, payload: unknown = {}, options?: { delay?: number }) =>
  app.transaction((tx) => app.jobs.add(tx, [name], payload, options))

/** A job that another process has added. */
const addElsewhere = (name: string, payload: object) =>
  app.db.insert(jobs).values({ name, payload, runAt: sql`NOW(3)` })

const rowsOf = (name: string) => app.db.select().from(jobs).where(eq(jobs.name, name))
const change = (name: string, values: object) =>
  app.db.update(jobs).set(values).where(eq(jobs.name, name))
const inSeconds = (seconds: number) => sql`NOW(3) + INTERVAL ${seconds} SECOND`

async function until(what: string, condition: () => boolean | Promise<boolean>, patience = 20_000) {
  const deadline = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`still not: ${what}`)
    await sleep(20)
  }
}
const isGone = (name: string) => async () => (await rowsOf(name)).length === 0

t.test('a job runs after its transaction has committed, and is gone when it is done', async (t) => {
  const name = newName()
  const seen: unknown[] = []
  app.jobs.define(name, async (payload: object, { attempt, progress }) => {
    seen.push([payload, attempt, progress, (await rowsOf(name)).length])
  })
  await app.transaction(async (tx) => {
    await app.jobs.add(tx, [name], { text: '안녕 🦜' })
    await sleep(700)
    t.strictSame(seen, [], 'not before the commit, however long that takes')
  })
  await until('done', isGone(name))
  t.strictSame(seen, [[{ text: '안녕 🦜' }, 1, null, 1]])
})

t.test('waiting jobs of a name with a batch run together', async (t) => {
  const name = newName()
  const calls: number[][] = []
  const merged = app.jobs.merging(async (all: number[]) => void calls.push(all))
  app.jobs.define(name, ({ n }: { n: number }) => merged(n), { batch: 50 })
  await app.transaction(async (tx) => {
    for (let n = 0; n < 50; n++) await app.jobs.add(tx, [name], { n })
  })
  await until('done', isGone(name))
  t.strictSame(
    calls.flat().sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, n) => n),
    'each once',
  )
  t.ok(calls.length < 10, `${calls.length} calls`)
})

t.test(
  'a job that fails in a batch fails the others once; jobs that run again run alone',
  waiting(),
  async (t) => {
    const name = newName()
    const done = new Set<number>()
    const calls: number[][] = []
    const merged = app.jobs.merging(async (all: number[]) => {
      calls.push(all)
      if (all.includes(13)) throw new Error('thirteen')
      for (const n of all) done.add(n)
    })
    app.jobs.define(name, ({ n }: { n: number }) => merged(n), { batch: 50, maxAttempts: 3 })
    await app.transaction(async (tx) => {
      for (let n = 10; n < 20; n++) await app.jobs.add(tx, [name], { n })
    })
    await until('the others are done', () => done.size === 9)
    await until('thirteen is dead', async () => {
      const [last, ...more] = await rowsOf(name)
      return more.length === 0 && last?.deadAt != null
    })
    t.match(await rowsOf(name), [{ payload: { n: 13 }, error: /thirteen/, attempts: 3 }])
    const [first = [], ...more] = calls.filter((all) => all.includes(13))
    t.ok(first.length > 1, `thirteen first ran with ${first.length - 1} others`)
    t.strictSame(more, [[13], [13]])
    const repeated = calls
      .slice(calls.indexOf(first) + 1)
      .filter((all) => all.some((n) => first.includes(n)))
    t.ok(repeated.every(({ length }) => length === 1))
  },
)

t.test('a job that loses its lease fails the others of its batch at once', async (t) => {
  const name = newName()
  type Item = { n: number; save: JobContext['save'] }
  const done: number[] = []
  const merged = app.jobs.merging(async (all: Item[]) => {
    const lost = all.find(({ n }) => n === 1)
    if (lost) {
      await app.db
        .update(jobs)
        .set({ token: 'elsewhere' })
        .where(and(eq(jobs.name, name), sql`payload = '{"n":1}'`))
      await lost.save({})
    }
    done.push(...all.map(({ n }) => n))
  })
  app.jobs.define(name, ({ n }: { n: number }, { save }) => merged({ n, save }), { batch: 2 })
  await app.transaction(async (tx) => {
    for (const n of [1, 2]) await app.jobs.add(tx, [name], { n })
  })
  await until('the other is done', () => done.includes(2), 10_000)
  t.match(await rowsOf(name), [{ payload: { n: 1 }, token: 'elsewhere', error: null }])
})

t.test('no commit, no job', waiting(), async (t) => {
  const name = newName()
  let runs = 0
  app.jobs.define(name, async () => void runs++)
  const broken = app.transaction(async (tx) => {
    await app.jobs.add(tx, [name], {})
    throw new Error('changed my mind')
  })
  await t.rejects(broken, { message: 'changed my mind' })
  t.strictSame(await rowsOf(name), [])
  await sleep(700)
  t.equal(runs, 0)
})

t.test('a failing job is retried with growing delays, then kept as dead', waiting(), async (t) => {
  const name = newName()
  const attempts: { attempt: number; at: number }[] = []
  const handler = async (_: object, { attempt }: JobContext) => {
    attempts.push({ attempt, at: performance.now() })
    throw new TypeError(`no luck ${attempt}`)
  }
  app.jobs.define(name, handler, { maxAttempts: 3 })
  await enqueue(name)
  await until('second attempt', () => attempts.length === 2)
  const pause = (attempts[1]?.at ?? 0) - (attempts[0]?.at ?? 0)
  t.ok(pause > 450 && pause < 8_000, `waited ${pause.toFixed(0)} ms`)
  await until('failed again', async () => (await rowsOf(name))[0]?.token === null)
  const [waiting] = await rowsOf(name)
  t.match(waiting, { attempts: 2, error: 'TypeError: no luck 2', deadAt: null })
  const [{ due } = { due: 0 }] = await app.db
    .select({ due: sql`TIMESTAMPDIFF(MICROSECOND, NOW(3), ${jobs.runAt}) / 1000`.mapWith(Number) })
    .from(jobs)
    .where(eq(jobs.name, name))
  t.ok(due > 0 && due <= 3_000, `the next in ${due.toFixed(0)} ms, twice as late`)

  await change(name, { runAt: inSeconds(0) })
  await until('dead', async () => (await rowsOf(name))[0]?.deadAt instanceof Date)
  const [dead] = await rowsOf(name)
  t.match(dead, { attempts: 3, error: 'TypeError: no luck 3', token: null })
  await sleep(700)
  t.strictSame(
    attempts.map(({ attempt }) => attempt),
    [1, 2, 3],
    'the dead stay dead',
  )
})

t.test('a job that exceeds its time limit is aborted and retried', waiting(), async (t) => {
  const name = newName()
  let aborted: unknown
  app.jobs.define(
    name,
    async (_: object, { signal }) => {
      signal.addEventListener('abort', () => (aborted = signal.reason))
      await sleep(5_000, undefined, { ref: false })
    },
    { timeout: 0.2, maxAttempts: 1 },
  )
  await enqueue(name)
  await until('dead', async () => (await rowsOf(name))[0]?.deadAt instanceof Date)
  t.match(aborted, { message: /took longer/ })
  t.match((await rowsOf(name))[0]?.error, /took longer/)
})

t.test(
  'a job of one process is picked up by another within a second or so',
  waiting(),
  async (t) => {
    const other = await another(t)
    const name = newName()
    let startedAt = 0
    other.jobs.define(name, async () => {
      startedAt = performance.now()
    })
    await sleep(600)
    await addElsewhere(name, {})
    const committed = performance.now()
    await until('picked up', () => startedAt > 0, 5_000)
    t.comment(`after ${(startedAt - committed).toFixed(0)} ms`)
    await until('done', isGone(name))
  },
)

t.test('a delayed job waits', waiting(), async (t) => {
  const name = newName()
  let ranAt = 0
  app.jobs.define(name, async () => {
    ranAt = performance.now()
  })
  const added = performance.now()
  await enqueue(name, {}, { delay: 1.5 })
  await until('run', () => ranAt > 0)
  t.ok(ranAt - added > 1_400, `after ${(ranAt - added).toFixed(0)} ms`)
})

t.test('a recurring job has one row, survives failures and runs again', waiting(), async (t) => {
  const name = newName()
  let runs = 0
  const handler = async () => {
    if (++runs === 1) throw new Error('the first time fails')
  }
  const start = async () => {
    const other = await build(config)
    t.teardown(() => other.close())
    other.jobs.every(name, 1, handler)
    await other.jobs.start()
  }
  await Promise.all([start(), start()])
  await until('third run', () => runs >= 3)
  const rows = await rowsOf(name)
  t.equal(rows.length, 1, 'one row for all processes')
  t.match(rows[0], { uniqueKey: name, deadAt: null })
  t.ok(runs <= 4, `ran ${runs} times`)
})

t.test('jobs without a handler here are left to others', waiting(), async (t) => {
  const name = newName()
  await addElsewhere(name, {})
  await sleep(700)
  t.match(await rowsOf(name), [{ attempts: 0, token: null, deadAt: null }])
})

t.test('a handler that throws a non-Error value fails its job', async (t) => {
  const name = newName()
  app.jobs.define(name, () => Promise.reject(undefined), { maxAttempts: 1 })
  await enqueue(name)
  await until('dead', async () => (await rowsOf(name))[0]?.deadAt instanceof Date)
  t.equal((await rowsOf(name))[0]?.error, 'Error: undefined')
})

t.test('long errors and errors in any script are kept', async (t) => {
  const name = newName()
  const fail = async () => {
    throw new Error('🦜'.repeat(2000))
  }
  app.jobs.define(name, fail, { maxAttempts: 1 })
  await enqueue(name)
  await until('dead', async () => (await rowsOf(name))[0]?.deadAt instanceof Date)
  t.match((await rowsOf(name))[0]?.error, /^Error: 🦜{400,}/u)
})

t.test(
  'the job of a killed worker is run again when its lease has ended, not before',
  async (t) => {
    const name = newName()
    const attempts: number[] = []
    app.jobs.define(name, async (_: object, { attempt, progress }) => {
      attempts.push(attempt)
      t.equal(progress, 'half way', 'the job continues from the saved progress')
    })
    const leased = { token: 'killed', attempts: 1, progress: 'half way', runAt: inSeconds(2) }
    await app.db.insert(jobs).values({ name, payload: {}, ...leased })
    await sleep(1_000)
    t.strictSame(attempts, [], 'the lease is respected')
    await until('run again', isGone(name))
    t.strictSame(attempts, [2])
  },
)

t.test('a job that always kills its process becomes dead', async (t) => {
  const name = newName()
  let runs = 0
  app.jobs.define(name, async () => void runs++, { maxAttempts: 3 })
  const killed = { token: 'killed', attempts: 3, runAt: inSeconds(0) }
  await app.db.insert(jobs).values({ name, payload: {}, ...killed })
  await until('dead', async () => (await rowsOf(name))[0]?.deadAt instanceof Date)
  t.equal(runs, 0)
  t.type((await rowsOf(name))[0]?.error, 'string')
})

t.test('a worker that lost its lease can neither save nor complete the job', async (t) => {
  for (const saves of [true, false]) {
    const name = newName()
    const { promise: taken, resolve: take } = Promise.withResolvers<void>()
    let outcome: unknown
    let context: JobContext | undefined
    app.jobs.define(name, async (_: object, given) => {
      context = given
      await given.save('first')
      await taken
      if (saves) await given.save('second').catch((error) => (outcome = error))
      if (saves) throw new Error('would be a failure')
      outcome = 'finished'
    })
    await enqueue(name)
    await until('first save', async () => (await rowsOf(name))[0]?.progress === 'first')
    await change(name, { token: 'other', runAt: inSeconds(60) })
    take()
    await until('outcome', () => outcome !== undefined)
    await sleep(100)
    const [row] = await rowsOf(name)
    t.match(row, { token: 'other', progress: 'first', deadAt: null, error: null, attempts: 1 })
    if (saves) t.match(outcome, { name: 'LeaseLost' })
    if (saves) t.ok(context?.signal.aborted)
    await app.db.delete(jobs).where(eq(jobs.name, name))
  }
})

t.test('a job continues from its saved progress', async (t) => {
  const name = newName()
  const done: number[] = []
  app.jobs.define(name, async ({ steps }: { steps: number }, { progress, save }) => {
    const from = typeof progress === 'number' ? progress : 0
    for (let step = from; step < steps; step++) {
      done.push(step)
      await save(step + 1)
      if (step === 2 && from === 0) throw new Error('stumbled')
    }
  })
  await enqueue(name, { steps: 5 })
  await until('failed once', async () => (await rowsOf(name))[0]?.error === 'Error: stumbled')
  await change(name, { runAt: inSeconds(0) })
  await until('done', isGone(name))
  t.strictSame(done, [0, 1, 2, 3, 4], 'no step twice')
})

t.test('saving renews the lease', async (t) => {
  const name = newName()
  const { promise: goOn, resolve } = Promise.withResolvers<void>()
  app.jobs.define(name, async (_: object, { save }) => {
    await change(name, { runAt: inSeconds(5) })
    await save(1)
    await goOn
  })
  await enqueue(name)
  await until('saved', async () => (await rowsOf(name))[0]?.progress === 1)
  const [renewed] = await app.db
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(eq(jobs.name, name), sql`${jobs.runAt} > NOW(3) + INTERVAL 20 SECOND`))
  t.ok(renewed)
  resolve()
  await until('done', isGone(name))
})

t.test('two processes on one database run each job once', async (t) => {
  const other = await another(t)
  const name = newName()
  const runs: { where: string; n: number }[] = []
  const handler = (where: string) => async (payload: { n: number }) => {
    runs.push({ where, n: payload.n })
    await sleep(3)
  }
  app.jobs.define(name, handler('here'))
  other.jobs.define(name, handler('there'))
  const add = (from: FastifyInstance, n: number) =>
    from.transaction((tx) => from.jobs.add(tx, [name], { n }))
  await Promise.all(Array.from({ length: 200 }, (_, n) => add(n % 2 ? app : other, n)))
  await until('all done', isGone(name), 15_000)
  t.equal(runs.length, 200, 'none twice')
  t.equal(new Set(runs.map(({ n }) => n)).size, 200, 'none forgotten')
  const share = runs.filter(({ where }) => where === 'here').length
  t.comment(`${share} of 200 here`)
  t.ok(share > 0 && share < 200, 'both took part')
})

t.test('stopping waits for running jobs and claims no others', async (t) => {
  const other = await build(config)
  const name = newName()
  const events: string[] = []
  other.jobs.define(name, async ({ n }: { n: number }) => {
    events.push(`start ${n}`)
    await sleep(400)
    events.push(`end ${n}`)
  })
  await addElsewhere(name, { n: 1 })
  await until('started', () => events.length === 1)
  const closing = other.close().then(() => events.push('closed'))
  await sleep(100)
  await addElsewhere(name, { n: 2 })
  await closing
  t.strictSame(events, ['start 1', 'end 1', 'closed'])
  const [left, ...rest] = await rowsOf(name)
  t.match(left, { payload: { n: 2 }, attempts: 0, token: null })
  t.strictSame(rest, [], 'the one at work is completed')
  await app.db.delete(jobs).where(eq(jobs.name, name))
})

t.test('a flood of one kind of job does not starve others', async (t) => {
  const [flood, single] = [newName(), newName()]
  let ran = 0
  const { promise: served, resolve } = Promise.withResolvers<number>()
  app.jobs.define(flood, async () => {
    ran++
    await sleep(10)
  })
  app.jobs.define(single, async () => resolve(ran))
  await app.transaction((tx) => app.jobs.add(tx, Array(300).fill(flood), {}))
  await enqueue(single)
  const before = await served
  t.ok(before < 150, `served after ${before} of 300`)
  await until('all done', isGone(flood), 15_000)
  t.equal(ran, 300)
})

t.test('a flood of jobs of one account does not starve those of another', async (t) => {
  const [first, second] = [newName(), newName()]
  const served: number[] = []
  app.jobs.define(first, async (account: number) => {
    await app.transaction((tx) => app.jobs.add(tx, [second], account))
  })
  app.jobs.define(second, async (account: number) => void served.push(account))
  const [loud, quiet] = [71, 72]
  const addAll = (account: number, count: number) =>
    app.jobs.causedBy(account, () =>
      app.transaction(async (tx) => {
        for (let n = 0; n < count; n++) await app.jobs.add(tx, [first], account)
      }),
    )
  await addAll(loud, 100)
  await addAll(loud, 600)
  await addAll(quiet, 1)
  await until('the quiet account is served', () => served.includes(quiet))
  t.ok(served.length < 300, `served after ${served.length} of 700`)
  await until('all others are served too', () => served.length === 701)
})

t.test('a flood of jobs that run in batches does not starve others', async (t) => {
  const flood = newName()
  const singles = Array.from({ length: 5 }, newName)
  let [batches, running] = [0, 0]
  const merged = app.jobs.merging(async () => {
    batches++
    running++
    await sleep(20 + 60 * Math.random())
    running--
  })
  app.jobs.define(flood, merged, { batch: 50 })
  const served = new Set<string>()
  for (const name of singles) app.jobs.define(name, async () => served.add(name))
  await app.transaction((tx) => app.jobs.add(tx, Array(4_000).fill(flood), {}))
  // Each commit makes the worker look for more of these jobs.
  await until('all slots are taken', () => {
    app.transaction((tx) => app.jobs.add(tx, [flood], {}))
    return running === 4
  })
  const start = batches
  await app.transaction((tx) => app.jobs.add(tx, singles, {}))
  await until('all others are served', () => served.size === singles.length)
  t.ok(batches - start < 15, `served after ${batches - start} batches`)
  await until('all done', isGone(flood), 15_000)
})

t.test('a second handler of the same name is rejected', async (t) => {
  const name = newName()
  app.jobs.define(name, async () => {})
  t.throws(() => app.jobs.define(name, async () => {}), /taken/)
})

t.test('unreadable rows fail and do not stop other jobs', async (t) => {
  const name = newName()
  const { promise: served, resolve } = Promise.withResolvers<object>()
  const broken = sql`INSERT INTO ${jobs} (name, payload, run_at) VALUES (${name}, '', NOW(3))`
  for (let i = 0; i < 6; i++) await app.db.execute(broken)
  app.jobs.define(name, async (payload: object) => resolve(payload))
  await app.transaction((tx) => app.jobs.add(tx, [name], { readable: true }))
  t.strictSame(await served, { readable: true })
  const failed = sql`name = ${name} AND error LIKE 'SyntaxError%'`
  await until('failed', async () => (await app.db.$count(jobs, failed)) === 6)
  await app.db.delete(jobs).where(eq(jobs.name, name))
})

t.test('only declared names and payloads compile', async (t) => {
  const wrong = (tx: Tx) => [
    // @ts-expect-error: nobody declares this job
    () => app.jobs.add(tx, ['timeline.fil'], { readerId: 1 }),
    // @ts-expect-error: the payload has another name
    () => app.jobs.add(tx, ['timeline.fill'], { userId: 1 }),
    // @ts-expect-error: nobody declares this job
    () => app.jobs.define('timeline.fil', async () => {}),
    // @ts-expect-error: this job takes a payload, so it cannot be recurring
    () => app.jobs.every('timeline.fill', 60, async () => {}),
    // @ts-expect-error: an event of a follow has no tweet
    () => app.events.subscribe('user.followed', 'timeline.fanOut', async () => {}),
  ]
  t.type(wrong, 'function', 'the compiler checks the lines above')
})

t.test('a job of a name that nobody has defined is refused', async (t) => {
  await t.rejects(enqueue('test.misspelt'), {
    message: 'No job is called test.misspelt; define it with app.jobs.define in service.',
  })
  t.strictSame(await rowsOf('test.misspelt'), [])
})
