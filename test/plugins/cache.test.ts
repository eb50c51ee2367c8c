import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import type { ResultSetHeader } from 'mysql2'
import t from 'tap'
import { build } from '../../app.ts'
import { singleFlight } from '../../plugins/cache/single-flight.ts'
import { type App, call, settings, signUp, tweet } from '../helper.ts'

declare module 'fastify' {
  interface CacheTopics {
    note: 'note'
    owner: 'user'
  }
  interface EventPayloads {
    'note.written': { noteId: number }
  }
}

const env = await settings(t)
const [one, two]: [App, App] = [await build(env), await build(env)]
for (const app of [one, two]) t.teardown(() => app.close())
const pool = one.mysql.pool
await pool.query('CREATE TABLE notes (id BIGINT UNSIGNED PRIMARY KEY, value INT NOT NULL)')

const touch = (id: number) => one.transaction(async (tx) => one.cache.invalidate(tx, 'note', [id]))
const write = (id: number, value: number) =>
  one.transaction(async (tx) => {
    await tx.execute(
      sql`INSERT INTO notes VALUES (${id}, ${value}) ON DUPLICATE KEY UPDATE value = ${value}`,
    )
    one.cache.invalidate(tx, 'note', [id])
  })

one.cache.invalidateOn('note', { 'note.written': ({ noteId }) => [noteId] })

/** A cache of notes in one app, which counts its loads and may be made to take its time. */
function cacheIn(app: App) {
  const seen = { loads: 0, hold: async () => {} }
  const items = app.cache.byId<number>('note', {
    max: 100,
    load: async (ids) => {
      seen.loads++
      const [rows] = await app.mysql.pool.query<any[]>('SELECT * FROM notes WHERE id IN (?)', [ids])
      await seen.hold()
      return new Map(rows.map(({ id, value }) => [id, value]))
    },
  })
  const read = async (id: number) => {
    await app.cache.sync()
    return (await items.get([id])).get(id)
  }
  return { seen, items, read }
}

t.test('cached values equal the committed rows in every process', async (t) => {
  const [here, there] = [cacheIn(one), cacheIn(two)]
  await write(1, 10)
  for (const { read } of [here, there, here, there]) t.equal(await read(1), 10)
  t.equal(here.seen.loads + there.seen.loads, 2, 'each has loaded it once')
  await write(1, 11)
  t.equal(await there.read(1), 11)
  t.equal(await here.read(1), 11)
  t.equal(await here.read(2), undefined, 'an id without a row')
  t.equal(await here.read(2), undefined)
  t.equal(here.seen.loads, 3, 'is remembered as well')
  await write(2, 20)
  t.equal(await here.read(2), 20)
})

t.test('a rolled-back change invalidates nothing', async (t) => {
  const { seen, read } = cacheIn(two)
  await write(3, 30)
  await read(3)
  const broken = one.transaction(async (tx) => {
    one.cache.invalidate(tx, 'note', [3])
    throw new Error('changed my mind')
  })
  await t.rejects(broken, { message: 'changed my mind' })
  t.equal(await read(3), 30)
  t.equal(seen.loads, 1)
})

t.test('an event invalidates the ids that are declared for it, when it commits', async (t) => {
  const { seen, read } = cacheIn(two)
  await write(5, 50)
  await read(5)
  const emit = (failure?: Error) =>
    one.transaction(async (tx) => {
      await tx.execute(sql`UPDATE notes SET value = value + 1 WHERE id = 5`)
      await one.events.emit(tx, 'note.written', { noteId: 5 })
      if (failure) throw failure
    })
  await t.rejects(emit(new Error('changed my mind')), { message: 'changed my mind' })
  t.equal(await read(5), 50)
  t.equal(seen.loads, 1)
  await emit()
  t.equal(await read(5), 51)
})

t.test('a change that commits after later changes is applied', async (t) => {
  const { read } = cacheIn(two)
  await write(4, 40)
  t.equal(await read(4), 40)
  const connection = await pool.getConnection()
  await connection.beginTransaction()
  await connection.query('UPDATE notes SET value = 41 WHERE id = 4')
  await connection.query("INSERT INTO changes (topic, subject) VALUES ('note', 4)")
  for (let n = 0; n < 3; n++) await touch(999)
  t.equal(await read(4), 40)
  await touch(999)
  t.equal(await read(4), 40, 'its id has been passed over twice')
  await connection.commit()
  connection.release()
  t.equal(await read(4), 41)
})

t.test('a load that a change overtakes is not cached', async (t) => {
  const { seen, items, read } = cacheIn(one)
  await write(5, 50)
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  await one.cache.sync()
  seen.hold = () => held
  const early = items.get([5])
  await sleep(50)
  await write(5, 51)
  await one.cache.sync()
  seen.hold = async () => {}
  release()
  t.equal((await early).get(5), 50, 'an earlier caller may get the earlier value')
  t.equal(await read(5), 51)
})

t.test('a new process applies changes that commit after its start', async (t) => {
  await write(8, 80)
  const connection = await pool.getConnection()
  await connection.beginTransaction()
  await connection.query('UPDATE notes SET value = 81 WHERE id = 8')
  await connection.query("INSERT INTO changes (topic, subject) VALUES ('note', 8)")
  const many = Array.from({ length: 900 }, () => ['note', 999])
  await pool.query('INSERT INTO changes (topic, subject) VALUES ?', [many])
  const late: App = await build(env)
  t.teardown(() => late.close())
  const { read } = cacheIn(late)
  t.equal(await read(8), 80)
  await connection.commit()
  connection.release()
  t.equal(await read(8), 81)
})

t.test('a new process caches at once if nothing has changed for long', async (t) => {
  await pool.query('DELETE FROM changes')
  const early: App = await build(env)
  t.teardown(() => early.close())
  const { seen, read } = cacheIn(early)
  await read(9)
  await write(9, 90)
  for (let n = 0; n < 3; n++) t.equal(await read(9), 90)
  t.equal(seen.loads, 2)
})

t.test('a caller during a read of invalidations gets the next read', async (t) => {
  let reads = 0
  const look = singleFlight(async () => {
    const read = ++reads
    await sleep(20)
    return read
  })
  const [first, second] = [look(), look()]
  await sleep(5)
  const [third, fourth] = [look(), look()]
  t.strictSame(await Promise.all([first, second, third, fourth]), [1, 1, 2, 2])
  let fails = true
  const broken = singleFlight(async () => {
    if (fails) throw new Error('away')
    return 'back'
  })
  await t.rejects(broken(), { message: 'away' })
  fails = false
  t.equal(await broken(), 'back')
})

t.test('nothing is cached if several nodes assign ids in turn', async (t) => {
  const cluster: App = await build(env)
  t.teardown(() => cluster.close())
  const all = Array.from({ length: 20 }, () => cluster.mysql.pool.getConnection())
  for (const connection of await Promise.all(all)) {
    await connection.query('SET SESSION auto_increment_increment = 3')
    connection.release()
  }
  const { seen, read } = cacheIn(cluster)
  await write(6, 60)
  t.equal(await read(6), 60)
  t.equal(await read(6), 60)
  t.equal(seen.loads, 2)
  t.equal(
    (await call(cluster, 'GET /readyz')).body.caching,
    false,
    '/readyz shows that caching is off',
  )
  t.equal((await call(one, 'GET /readyz')).body.caching, true)
})

t.test('a burst of changes evicts only what has changed', async (t) => {
  const { seen, read } = cacheIn(one)
  await write(8, 80)
  await read(8)
  const { loads } = seen
  const burst = Array.from({ length: 12_000 }, () => ['note', 998])
  await pool.query('INSERT INTO changes (topic, subject) VALUES ?', [burst])
  for (let n = 0; n < 3; n++) t.equal(await read(8), 80)
  t.equal(seen.loads, loads)
  await write(8, 81)
  t.equal(await read(8), 81)
})

t.test('too many missing ids suspend the cache until they are old', async (t) => {
  const { seen, read } = cacheIn(one)
  await write(7, 70)
  await read(7)
  const [{ insertId }] = await pool.query<ResultSetHeader>(
    "INSERT INTO changes (topic, subject) VALUES ('note', 999)",
  )
  await pool.query("INSERT INTO changes (id, topic, subject) VALUES (?, 'note', 999)", [
    insertId + 10_000,
  ])
  const { loads } = seen
  for (let n = 0; n < 3; n++) t.equal(await read(7), 70)
  t.equal(seen.loads, loads + 3)
})

t.test('invalidations are kept for minutes', async (t) => {
  await pool.query(
    "UPDATE changes SET created_at = NOW(3) - INTERVAL 10 MINUTE WHERE topic = 'note'",
  )
  await touch(999)
  await one.cache.purge()
  const [rows] = await pool.query<any[]>("SELECT * FROM changes WHERE topic = 'note'")
  t.equal(rows.length, 1)
})

t.test('a tweet by a just deleted author is 404 USER_NOT_FOUND', async (t) => {
  const gone = await signUp(one, 'Gone')
  await one.users.remove(gone.id)
  const late = { authorId: gone.id, text: 'still here' }
  await t.rejects(two.tweets.create(late), { statusCode: 404, code: 'USER_NOT_FOUND' })
  const stays = await signUp(one, 'Stays')
  t.match(await tweet(two, stays, 'hello'), { text: 'hello', liked: false, likeCount: 0 })
})
