import { setTimeout as sleep } from 'node:timers/promises'
import { type SQL, sql } from 'drizzle-orm'
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
  const connection = await createConnection(connectionOptions(config))
  t.teardown(() => connection.end())
  await prepareSession(connection)
  const store = createJobStore(connect(connection), app.transaction)
  const rowsRead = async () => {
    const status = "SHOW SESSION STATUS LIKE 'Handler_read%'"
    const [rows] = await connection.query<RowDataPacket[]>(status)
    return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
  }
  const before = await rowsRead()
  t.strictSame(await store.dueNames(), [])
  const few = (await rowsRead()) - before

  const later = sql`NOW(3) + INTERVAL 1 DAY`
  await insert('timeline.fanOut', 5_000, later)
  await insert('timeline.fanOut', 5_000, sql`NOW(3)`, sql`NOW(3)`)
  await insert('not.known.here', 5_000, sql`NOW(3)`)
  await insert('live.tweet', 1, sql`NOW(3)`)
  const [start, names] = [await rowsRead(), await store.dueNames()]
  const many = (await rowsRead()) - start
  t.strictSame(names.sort(), ['live.tweet', 'not.known.here'])
  t.ok(many < few + 20, `${many} index rows read; ${few} without these jobs`)
})

async function insert(name: string, count: number, runAt: SQL, deadAt?: SQL) {
  const row = { name, payload: {}, runAt, ...(deadAt && { deadAt }) }
  await app.db.insert(jobs).values(Array(count).fill(row))
}
