import type { RowDataPacket } from 'mysql2'
import { createConnection } from 'mysql2/promise'
import t from 'tap'
import { settings } from '../helper.ts'
import { birdhouse } from './birdhouse.ts'

t.test('migrate --status changes nothing, migrate applies everything', async (t) => {
  const { DATABASE_URL = '' } = await settings(t)
  const connection = await createConnection(DATABASE_URL)
  t.teardown(() => connection.end())
  const name = DATABASE_URL.split('/').at(-1)
  for (const sql of ['DROP DATABASE', 'CREATE DATABASE', 'USE']) {
    await connection.query(`${sql} ${name}`)
  }
  const tables = async () => (await connection.query<RowDataPacket[]>('SHOW TABLES'))[0].length
  const run = (line: string) => birdhouse(line, { env: { NODE_ENV: 'production', DATABASE_URL } })

  const { pending } = JSON.parse((await run('migrate --status --json')).out)
  t.match(pending[0], /^0000_.*\.sql#1$/)
  t.match(pending.join(), 'hashtags/0000_', 'those of extensions as well')
  t.equal(await tables(), 0)

  const { code, out } = await run('migrate --json')
  t.strictSame([code, JSON.parse(out)], [0, { applied: pending.length }])
  t.match(await run('migrate --status'), { code: 0, out: 'The database is up to date.\n' })
  t.match(await run('migrate'), { code: 0, out: 'The database is up to date.\n' })
})
