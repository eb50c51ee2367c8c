import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import t from 'tap'
import { setUp } from '../../helper.ts'

const SIZE = 18
const app = await setUp(t, { DATABASE_POOL_SIZE: String(SIZE) })

/** The connections of the app's user to its database. */
async function connections() {
  const [rows] = await app.db.execute(
    sql`SELECT COUNT(*) AS n FROM information_schema.processlist WHERE db = DATABASE()`,
  )
  return Number((rows as unknown as { n: number }[])[0]?.n)
}

t.test(
  'a process has at most as many connections as the setting says, and closes idle ones',
  async (t) => {
    const work = Array.from({ length: 3 * SIZE }, () => app.db.execute(sql`SELECT SLEEP(0.2)`))
    await Promise.all(work)
    // The connection that the test's database was created with may be one more.
    const most = await connections()
    t.ok(most === SIZE || most === SIZE + 1, `${most} connections`)
    // The driver's pool keeps its options here; a test does not wait for a minute.
    Object.assign(app.mysql.pool.pool, { config: { ...poolConfig(), idleTimeout: 100 } })
    while ((await connections()) > 4) await sleep(50)
    await Promise.all(Array.from({ length: SIZE }, connections))
    t.pass('new connections are made when they are needed')
  },
)

const poolConfig = () => (app.mysql.pool.pool as unknown as { config: object }).config
