import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { eq, sql } from 'drizzle-orm'
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { build } from '../../../app.ts'
import type { Tx } from '../../../plugins/db/client.ts'
import { afterCommit, batch } from '../../../plugins/db/transaction.ts'
import { type App, settings, setUp, signUp } from '../../helper.ts'

const app = await setUp(t)
const { mutes, users } = app.tables
const { id: ann } = await signUp(app, 'Ann')
const { id: ben } = await signUp(app, 'Ben')

const rename = (tx: Tx, id: number, name: string) =>
  tx.update(users).set({ name }).where(eq(users.id, id))
const nameOf = async (id: number) =>
  (await app.db.select({ name: users.name }).from(users).where(eq(users.id, id)))[0]?.name

/** The settings of every connection of the pool, each different set once. */
async function sessionsOf(app: App) {
  const connections = await Promise.all(
    Array.from({ length: 20 }, () => app.mysql.pool.getConnection()),
  )
  const seen = new Set<string>()
  for (const connection of connections) {
    const [rows] = await connection.query<RowDataPacket[]>(
      `SHOW SESSION VARIABLES WHERE Variable_name IN
        ('tx_isolation', 'transaction_isolation', 'time_zone', 'sql_mode', 'character_set_client')`,
    )
    const values = Object.fromEntries(rows.map((row) => [row.Variable_name, row.Value]))
    const isolation = values.transaction_isolation ?? values.tx_isolation
    const strict = values.sql_mode.includes('STRICT_ALL_TABLES') ? [] : ['not strict']
    seen.add([isolation, values.time_zone, values.character_set_client, ...strict].join())
    connection.release()
  }
  return [...seen]
}

t.test('every connection uses READ COMMITTED, UTC and strict mode', async (t) => {
  t.strictSame(await sessionsOf(app), ['READ-COMMITTED,+00:00,utf8mb4'])
})

t.test('times are read back unchanged in any time zone of the process', async (t) => {
  const [row] = await app.db.select({ at: users.createdAt }).from(users).where(eq(users.id, ann))
  t.ok(Math.abs((row?.at.getTime() ?? 0) - Date.now()) < 60_000)
})

t.test('a transaction is atomic', async (t) => {
  const broken = app.transaction(async (tx) => {
    await rename(tx, ann, 'Not Ann')
    throw new Error('changed my mind')
  })
  await t.rejects(broken, { message: 'changed my mind' })
  t.equal(await nameOf(ann), 'Ann')
  const answer = await app.transaction(async (tx) => {
    await rename(tx, ann, 'Anna')
    t.equal(await nameOf(ann), 'Ann', 'others see it after the commit only')
    return 42
  })
  t.equal(answer, 42)
  t.equal(await nameOf(ann), 'Anna')
})

t.test('a batch runs its statements in order, in one transaction', async (t) => {
  const renamed = app.prepareQuery((db) =>
    db
      .select({ name: users.name })
      .from(users)
      .where(eq(users.id, sql.placeholder('id'))),
  )
  const both = () =>
    app.transaction((tx) =>
      batch(
        tx,
        (db) => rename(db, ann, 'First'),
        (db) => renamed({ id: ann }, db),
        (db) => rename(db, ann, 'Second'),
        (db) => renamed({ id: ann }, db),
      ),
    )
  const [[{ affectedRows }], first, , second] = await both()
  t.equal(affectedRows, 1)
  t.strictSame([first, second], [[{ name: 'First' }], [{ name: 'Second' }]])
  t.equal(await nameOf(ann), 'Second')
})

t.test('a failing statement of a batch stops and rolls back the batch', async (t) => {
  await app.transaction((tx) => rename(tx, ann, 'Anna'))
  const missing = { muterId: ann, mutedId: 987_654_321 }
  const broken = app.transaction((tx) =>
    batch(
      tx,
      (db) => rename(db, ann, 'First'),
      (db) => db.insert(mutes).values(missing),
      (db) => rename(db, ann, 'Second'),
    ),
  )
  await t.rejects(broken, {
    cause: { message: /^One of these failed: update .*insert into/s, cause: { errno: 1452 } },
  })
  t.equal(await nameOf(ann), 'Anna')
  const caught = app.transaction(async (tx) => {
    await batch(tx, (db) => db.insert(mutes).values(missing)).catch(() => {})
    await rename(tx, ann, 'Later')
  })
  await t.resolves(caught, 'a transaction goes on after it')
  t.equal(await nameOf(ann), 'Later')
})

t.test('every statement of a batch gets its own result', async (t) => {
  const [built, raw] = await app.transaction((tx) =>
    batch(
      tx,
      (db) => db.select({ id: users.id, name: users.name }).from(users).where(eq(users.id, ann)),
      (db) => db.execute(sql`SELECT id, name FROM users WHERE id = ${ben}`),
      (db) => rename(db, ann, 'Anna'),
    ),
  )
  t.match(built, [{ id: ann }])
  t.match(raw[0], [{ id: ben, name: 'Ben' }])
})

t.test('concurrent batches run one after the other', async (t) => {
  const texts = ['one', 'two', 'three']
  const written = await app.transaction((tx) =>
    Promise.all(texts.map((text) => app.tweets.create({ authorId: ann, text }, tx))),
  )
  t.strictSame(
    written.map(({ text }) => text),
    texts,
  )
  t.equal(new Set(written.map(({ id }) => id)).size, 3)
  for (const { id, text } of written) t.equal((await app.tweets.get(id)).text, text)
})

t.test('a statement that fails before it is sent fails alone', async (t) => {
  await app.transaction(async (tx) => {
    const unsent = async () => {
      throw new Error('not sent')
    }
    await t.rejects(
      batch(tx, (db) => rename(db, ann, 'Anna'), unsent),
      { message: 'not sent' },
    )
  })
  t.equal(await nameOf(ann), 'Anna')
  const atOnce = () => {
    throw new Error('not even asked')
  }
  const broken = app.transaction((tx) => batch(tx, atOnce))
  await t.rejects(broken, { message: 'not even asked' })
  const late = app.transaction((tx) =>
    batch(tx, async (db) => {
      await sleep(5)
      await rename(db, ann, 'Late')
    }),
  )
  await t.rejects(late, { cause: { message: /came too late/ } })
  for (let n = 0; n < 20; n++) await app.transaction((tx) => rename(tx, ann, 'Anna'))
  t.throws(() => batch(app.db as never, async () => {}), /needs a transaction/)
})

t.test('a nested transaction joins the outer one', async (t) => {
  const order: string[] = []
  const broken = app.transaction(async (outer) => {
    await app.transaction(async (tx) => {
      t.equal(tx, outer)
      await rename(tx, ben, 'Not Ben')
      afterCommit(tx, () => order.push('never'))
    }, outer)
    throw new Error('changed my mind')
  })
  await t.rejects(broken, { message: 'changed my mind' })
  t.equal(await nameOf(ben), 'Ben', 'the inner rolls back with the outer')

  await app.transaction(async (outer) => {
    await app.transaction(async (tx) => {
      afterCommit(tx, () => order.push('inner hook'))
    }, outer)
    order.push('inner done')
    afterCommit(outer, () => order.push('outer hook'))
    await sleep(20)
    order.push('outer done')
  })
  t.strictSame(order, ['inner done', 'outer done', 'inner hook', 'outer hook'])
})

t.test('afterCommit sees the commit and cannot undo it', async (t) => {
  let seen: Promise<string | undefined> | undefined
  let last = false
  const answer = await app.transaction(async (tx) => {
    await rename(tx, ann, 'Committed')
    afterCommit(tx, () => {
      seen = nameOf(ann)
    })
    afterCommit(tx, () => {
      throw new Error('this hook is broken')
    })
    afterCommit(tx, () => {
      last = true
    })
    return 'committed'
  })
  t.equal(answer, 'committed', 'the caller is not told that it failed: it has not')
  t.equal(await seen, 'Committed')
  t.ok(last, 'the hooks behind it run')
})

t.test('two deadlocked transactions are rerun completely and succeed', async (t) => {
  let runs = 0
  let hooks = 0
  // Each takes its first row, waits until the other has its own, and then wants that one.
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  const cross = (
    mine: number,
    theirs: number,
    name: string,
    ready: () => void,
    go: Promise<void>,
  ) =>
    app.transaction(async (tx) => {
      runs++
      afterCommit(tx, () => hooks++)
      await rename(tx, mine, `${name} first`)
      ready()
      await go
      await rename(tx, theirs, `${name} second`)
    })
  await Promise.all([
    cross(ann, ben, 'A', first.resolve, second.promise),
    cross(ben, ann, 'B', second.resolve, first.promise),
  ])
  t.ok(runs > 2, `${runs} runs: they did deadlock`)
  t.equal(hooks, 2, 'each told of its commit once')
  const names = [await nameOf(ann), await nameOf(ben)]
  t.ok(
    ['A first,A second', 'B second,B first'].includes(names.join()),
    `one wholly after the other: ${names}`,
  )
})

t.test('the outermost transaction is retried, a limited number of times', async (t) => {
  const deadlock = () => Object.assign(new Error('deadlock'), { errno: 1213, code: 'X' })
  let outerRuns = 0
  let innerRuns = 0
  await app.transaction(async (outer) => {
    outerRuns++
    await app.transaction(async () => {
      if (++innerRuns < 3) throw deadlock()
    }, outer)
  })
  t.strictSame([outerRuns, innerRuns], [3, 3])

  let runs = 0
  const hopeless = app.transaction(async () => {
    runs++
    throw deadlock()
  })
  await t.rejects(hopeless, { message: 'deadlock' })
  t.equal(runs, 6)

  runs = 0
  const duplicate = app.transaction(async (tx) => {
    runs++
    const row = { muterId: ann, mutedId: ben }
    await tx.insert(mutes).values([row, row])
  })
  await t.rejects(duplicate)
  t.equal(runs, 1, 'only what a rerun can mend is run again')
})

t.test('thirty concurrent transactions on one row succeed', async (t) => {
  await app.db.update(users).set({ profile: '' }).where(eq(users.id, ann))
  await Promise.all(
    Array.from({ length: 30 }, () =>
      app.transaction(async (tx) => {
        const [row] = await tx.select().from(users).where(eq(users.id, ann)).for('update')
        await tx
          .update(users)
          .set({ profile: `${row?.profile}x` })
          .where(eq(users.id, ann))
      }),
    ),
  )
  const [row] = await app.db.select().from(users).where(eq(users.id, ann))
  t.equal(row?.profile, 'x'.repeat(30))
})

/** A server on the way to the database; while `refusing`, it answers SET with an error itself. */
async function startTcpProxy(databaseUrl: string) {
  const { hostname, port } = new URL(databaseUrl)
  const state = { refusing: false, refused: 0 }
  const proxy = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    client.on('data', (chunk) => {
      if (!state.refusing || !chunk.includes('SET SESSION')) return upstream.write(chunk)
      state.refused++
      return client.write(errorPacket(1053, 'Server shutdown in progress'))
    })
    upstream.pipe(client)
    client.on('error', () => {}).on('close', () => upstream.destroy())
    upstream.on('error', () => {}).on('close', () => client.destroy())
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  const { port: own } = proxy.address() as AddressInfo
  const url = databaseUrl.replace(`:${port}/`, `:${own}/`)
  return { state, url, close: () => proxy.close() }
}

function errorPacket(errno: number, message: string) {
  const body = Buffer.from(`\xff${'\0\0'}#08S01${message}`, 'latin1')
  body.writeUInt16LE(errno, 1)
  return Buffer.concat([Buffer.from([body.length, 0, 0, 1]), body])
}

t.test('a connection that cannot be initialised is discarded without other effects', async (t) => {
  const env = await settings(t)
  const proxy = await startTcpProxy(env.DATABASE_URL ?? '')
  t.teardown(proxy.close)
  const limited = await build({ ...env, DATABASE_URL: proxy.url })
  t.teardown(() => limited.close())
  await limited.jobs.stop()
  const many = () =>
    Promise.all(Array.from({ length: 20 }, () => limited.db.execute(sql`SELECT SLEEP(0.1)`)))

  proxy.state.refusing = true
  const waiting = many()
  while (proxy.state.refused < 30) await sleep(10)
  proxy.state.refusing = false
  await t.resolves(waiting, 'statements wait for connections that can be prepared')
  await t.resolves(many(), 'the pool has lost none')
  t.strictSame(await sessionsOf(limited), ['READ-COMMITTED,+00:00,utf8mb4'])
})

t.test('statements after the end of a transaction, or nested BEGINs, are errors', async (t) => {
  let late: Tx | undefined
  await app.transaction(async (tx) => {
    late = tx
    await rename(tx, ben, 'Benno')
  })
  t.throws(() => app.cache.invalidate(late as Tx, 'user', [ben]), /every write inside/)
  const nested = app.transaction(async (tx) => {
    await rename(tx, ben, 'Nobody')
    await tx.transaction(async () => {})
  })
  await t.rejects(nested, /pass `tx` as the last argument/)
  t.equal(await nameOf(ben), 'Benno')
})
