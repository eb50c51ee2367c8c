import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import t from 'tap'
import type { Tx } from '../../../plugins/db/client.ts'
import { createCounter } from '../../../plugins/db/counter.ts'
import { setUp } from '../../helper.ts'

// A counter of its own, and beside it a log of every change: what is counted and what the log says
// are read in one statement, so they must agree at every moment.

const app = await setUp(t)
const columns = 'likes INT NOT NULL DEFAULT 0, replies INT NOT NULL DEFAULT 0'
for (const statement of [
  'CREATE TABLE things (id BIGINT UNSIGNED PRIMARY KEY)',
  `CREATE TABLE thing_counts (thing_id BIGINT UNSIGNED PRIMARY KEY, ${columns})`,
  `CREATE TABLE thing_count_deltas (thing_id BIGINT UNSIGNED NOT NULL,
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE, ${columns}, PRIMARY KEY (thing_id, id))`,
  `CREATE TABLE thing_log (id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT,
    thing_id BIGINT UNSIGNED NOT NULL, ${columns}, KEY (thing_id))`,
  'INSERT INTO things VALUES (1), (2), (3), (4), (5), (6)',
]) {
  await app.mysql.pool.query(statement)
}

type Changes = Map<number, { likes?: number; replies?: number }>
const metrics = ['likes', 'replies'] as const
/** Each process has a timer of its own; the rest is in the database. */
const newCounter = () => createCounter('thing', metrics, app.transaction)
/** Closed, it rolls up only when told to. */
const counter = newCounter()
counter.close()

async function log(tx: Tx, changes: Changes) {
  for (const [id, { likes = 0, replies = 0 }] of changes) {
    await tx.execute(
      sql`INSERT INTO thing_log (thing_id, likes, replies) VALUES (${id}, ${likes}, ${replies})`,
    )
  }
}

const add = (changes: Changes, by = counter) =>
  app.transaction(async (tx) => {
    await log(tx, changes)
    await by.add(tx, changes)
  })

type Row = {
  id: number
  likes: string
  replies: string
  loggedLikes: string
  loggedReplies: string
}

async function rows() {
  const logged = (metric: string) =>
    sql`(SELECT COALESCE(SUM(${sql.identifier(metric)}), 0) FROM thing_log l WHERE l.thing_id = x.id)`
  const [result] = await app.db.execute(sql`
    SELECT x.id, ${counter.read('likes', sql`x.id`)} AS likes,
      ${counter.read('replies', sql`x.id`)} AS replies,
      ${logged('likes')} AS loggedLikes, ${logged('replies')} AS loggedReplies
    FROM things x ORDER BY x.id`)
  return result as unknown as Row[]
}

const wrong = (all: Row[]) =>
  all.filter(
    (row) =>
      Number(row.likes) !== Number(row.loggedLikes) ||
      Number(row.replies) !== Number(row.loggedReplies),
  )

async function pending() {
  const [result] = await app.db.execute(sql`SELECT COUNT(*) AS n FROM thing_count_deltas`)
  return Number((result as unknown as { n: number }[])[0]?.n)
}

const random = (below: number) => Math.floor(Math.random() * below)
const someChanges = (): Changes =>
  new Map(
    Array.from({ length: 1 + random(3) }, () => [
      1 + random(6),
      { likes: random(5) - 1, ...(random(2) && { replies: 1 }) },
    ]),
  )

t.test('counts are exact while eight connections add and roll up', async (t) => {
  let working = true
  let reads = 0
  let taken = 0
  let rolledUp = 0
  const mistakes: Row[] = []

  async function read() {
    while (working) {
      mistakes.push(...wrong(await rows()))
      reads++
    }
  }
  async function work() {
    const own = newCounter()
    for (let n = 0; n < 60; n++) {
      if (n % 10 === 9) {
        const broken = app.transaction(async (tx) => {
          await own.add(tx, someChanges())
          throw new Error('changed my mind')
        })
        await broken.catch(() => {})
      }
      await add(someChanges(), own)
      if (random(3) === 0) {
        await own.rollUp().then(
          () => rolledUp++,
          () => taken++,
        )
      }
    }
    own.close()
  }
  const readers = [read(), read()]
  await Promise.all(Array.from({ length: 8 }, work))
  working = false
  await Promise.all(readers)

  t.comment(`${reads} reads, ${rolledUp} roll-ups, ${taken} of them taken by another`)
  t.strictSame(mistakes, [])
  t.ok(reads > 20 && rolledUp > 20)
  const before = await rows()
  t.ok(before.some(({ likes }) => Number(likes) > 10))
  await counter.rollUp()
  t.equal(await pending(), 0)
  t.strictSame(await rows(), before, 'rolling up changes no count')
})

t.test('all batches are rolled up', async (t) => {
  for (let n = 0; n < 13; n++) {
    await add(new Map(Array.from({ length: 100 }, (_, i) => [1000 * n + i + 1, { likes: 1 }])))
  }
  // A roll-up that began by itself in the test before may take up to one batch along.
  t.ok((await pending()) > 500, 'more than one batch')
  await counter.rollUp()
  t.equal(await pending(), 0)
  t.strictSame(wrong(await rows()), [])
  const [result] = await app.db.execute(
    sql`SELECT SUM(likes) AS n FROM thing_counts WHERE thing_id >= 7`,
  )
  t.match(result, [{ n: String(1300 - 6) }])
})

t.test('an addition is rolled up later, and a rollback adds nothing', async (t) => {
  const own = newCounter()
  await add(new Map([[1, { likes: 3 }]]), own)
  t.equal(await pending(), 1)
  t.strictSame(wrong(await rows()), [], 'pending deltas count')
  for (let waits = 0; waits < 100 && (await pending()) > 0; waits++) await sleep(50)
  t.equal(await pending(), 0)

  const broken = app.transaction(async (tx) => {
    await own.add(tx, new Map([[1, { likes: 3 }]]))
    throw new Error('changed my mind')
  })
  await t.rejects(broken)
  await add(new Map(), own)
  t.equal(await pending(), 0)
  own.close()
  t.strictSame(wrong(await rows()), [])
})

t.test('deltas of a dead process count, and the next process rolls them up', async (t) => {
  const gone = newCounter()
  await add(new Map([[2, { replies: 2 }]]), gone)
  gone.close()
  await sleep(1_300)
  t.equal(await pending(), 1)
  t.strictSame(wrong(await rows()), [])
  await counter.rollUp()
  t.equal(await pending(), 0)
  t.strictSame(wrong(await rows()), [])
})

t.test('counts of deleted subjects are deleted, rolled up or not', async (t) => {
  await add(new Map([[3, { likes: 1 }]]))
  await counter.rollUp()
  await add(new Map([[3, { likes: 1 }]]))
  await app.transaction(async (tx) => {
    await counter.erase(tx, [3])
    await counter.erase(tx, [])
    await tx.execute(sql`DELETE FROM thing_log WHERE thing_id = 3`)
  })
  t.strictSame(wrong(await rows()), [])
  t.equal(Number((await rows())[2]?.likes), 0)
  t.ok(Number((await rows())[0]?.likes) > 0, 'others stay')
})

t.test('a closed counter starts no timer', async (t) => {
  const closed = newCounter()
  closed.close()
  await add(new Map([[4, { likes: 1 }]]), closed)
  await sleep(1_300)
  t.equal(await pending(), 1, 'a transaction that ends after the close leaves it to others')
  t.strictSame(wrong(await rows()), [])
})
