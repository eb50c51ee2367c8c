import { setTimeout as sleep } from 'node:timers/promises'
import { eq, type SQL, sql } from 'drizzle-orm'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { build } from '../../app.ts'
import { connect, prepareSession } from '../../plugins/db/client.ts'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { createJobStore } from '../../plugins/jobs/store.ts'
import { drained, settings } from '../helper.ts'

const config = await settings(t)
const app = await build(config)
t.teardown(() => app.close())
const { jobs } = app.tables
const connection = await createConnection(connectionOptions(config))
t.teardown(() => connection.end())
await prepareSession(connection)

/** Rows that the connection has read, in indexes as well. */
async function rowsRead() {
  const status = "SHOW SESSION STATUS LIKE 'Handler_read%'"
  const [rows] = await connection.query<RowDataPacket[]>(status)
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
}

t.test('an idle process sends at most one statement a second', async (t) => {
  await drained(app)
  await sleep(1_500)
  let statements = 0
  const count = () => statements++
  app.mysql.pool.pool.on('acquire', count)
  await sleep(5_000)
  app.mysql.pool.pool.off('acquire', count)
  t.ok(statements >= 3 && statements <= 5, `${statements} in 5 s`)
})

t.test('the cost of a poll does not depend on the number of waiting and dead jobs', async (t) => {
  await app.jobs.stop()
  const store = createJobStore(connect(connection), app.transaction)
  const before = await rowsRead()
  t.strictSame(await store.dueNames(), [])
  const few = (await rowsRead()) - before

  const later = sql`NOW(3) + INTERVAL 1 DAY`
  await insert('timeline.fanOut', 5_000, later)
  await insert('timeline.fanOut', 5_000, sql`NOW(3)`, { deadAt: sql`NOW(3)` })
  await insert('not.known.here', 5_000, sql`NOW(3)`)
  await insert('live.tweet', 1, sql`NOW(3)`)
  const [start, names] = [await rowsRead(), await store.dueNames()]
  const many = (await rowsRead()) - start
  t.strictSame(names.sort(), ['live.tweet', 'not.known.here'])
  t.ok(many < few + 20, `${many} index rows read; ${few} without these jobs`)
})

t.test('the jobs of a low level are found first, whatever waits on other levels', async (t) => {
  const store = createJobStore(connect(connection), app.transaction)
  const name = 'timeline.fanOut'
  await insert(name, 5_000, sql`NOW(3)`, { level: 1 })
  await insert(name, 5_000, sql`NOW(3) + INTERVAL 1 DAY`, { level: 0 })
  await insert(name, 1, sql`NOW(3) - INTERVAL 1 SECOND`, { level: 0 })
  const lowest: number[] = []
  let most = 0
  for (let look = 0; look < 40; look++) {
    const start = await rowsRead()
    const found = await store.due([name], () => 16)
    most = Math.max(most, (await rowsRead()) - start)
    const rows = await app.db
      .select({ level: jobs.level })
      .from(jobs)
      .where(eq(jobs.id, found[0]?.id ?? 0))
    lowest.push(rows[0]?.level ?? -1)
  }
  const first = lowest.filter((level) => level === 0).length
  t.ok(first > 20 && first < 40, `${first} of 40 looks begin with the low level`)
  t.ok(most < 60, `${most} index rows read`)
})

async function insert(name: string, count: number, runAt: SQL, more: object = {}) {
  const row = { name, payload: {}, runAt, ...more }
  await app.db.insert(jobs).values(Array(count).fill(row))
}
