import type { RowDataPacket } from 'mysql2'
import { createConnection } from 'mysql2/promise'
import t from 'tap'
import { settings } from '../helper.ts'
import { birdhouse } from './birdhouse.ts'

t.test('db status and a dry run change nothing, db migrate applies everything', async (t) => {
  const { DATABASE_URL = '' } = await settings(t)
  const connection = await createConnection(DATABASE_URL)
  t.teardown(() => connection.end())
  const name = DATABASE_URL.split('/').at(-1)
  for (const sql of ['DROP DATABASE', 'CREATE DATABASE', 'USE']) {
    await connection.query(`${sql} ${name}`)
  }
  const tables = async () => (await connection.query<RowDataPacket[]>('SHOW TABLES'))[0].length
  const run = (line: string) => birdhouse(line, { env: { NODE_ENV: 'production', DATABASE_URL } })

  const { pending, applied } = JSON.parse((await run('db status --json')).out)
  t.match(pending[0], /^0000_.*\.sql#1$/)
  t.match(pending.join(), 'hashtags/0000_', 'those of extensions as well')
  t.equal(applied, 0)

  const script = await run('db migrate --dry-run')
  t.match([script.code, script.out], [0, /^-- 0000_.*\.sql#1\nCREATE TABLE .*;\n-- 0000/s])
  const { statements } = JSON.parse((await run('db migrate --dry-run --json')).out)
  t.strictSame(
    statements.map(({ id }: { id: string }) => id),
    pending,
  )
  t.equal(await tables(), 0)

  const { code, out } = await run('db migrate --json')
  t.strictSame([code, JSON.parse(out)], [0, { applied: pending.length }])
  t.match(
    (await run('db status')).out,
    `${pending.length} migration steps are applied, 0 are pending.`,
  )
  for (const again of ['db migrate', 'db migrate --dry-run'])
    t.match(await run(again), { code: 0, out: 'The database is up to date.\n' })
})
