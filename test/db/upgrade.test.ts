import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import argon2 from 'argon2'
import { createPool } from 'mysql2/promise'
import t from 'tap'
import { build } from '../../app.ts'
import { migrate } from '../../db/migrate.ts'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { settings } from '../helper.ts'

const MIGRATIONS = join(import.meta.dirname, '../../db/migrations')
/** The last migration of version 0.2.2. */
const LAST = '0004_media.sql'

t.test('a database of version 0.2.2 is upgraded in place by the next start', async (t) => {
  const env = await settings(t, { empty: true })
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-upgrade-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const file of readdirSync(MIGRATIONS)) {
    if (file.endsWith('.sql') && file <= LAST) cpSync(join(MIGRATIONS, file), join(folder, file))
  }
  const database = connectionOptions(env)
  await migrate(database, undefined, [], { folder })
  const pool = createPool(database)
  t.teardown(() => pool.end())
  await pool.query(
    "INSERT INTO users (id, handle, email, name, profile, password_hash) VALUES (7, 'wren', 'wren@example.com', 'Wren', '', ?)",
    [await argon2.hash('correct horse battery')],
  )
  await pool.query("INSERT INTO tweets (id, author_id, text) VALUES (9, 7, 'written by 0.2.2')")

  const app = await build(env)
  t.teardown(() => app.close())
  const credentials = { email: 'wren@example.com', password: 'correct horse battery' }
  const login = await app.inject({ method: 'POST', url: '/v1/auth/login', body: credentials })
  t.equal(login.statusCode, 200)
  const { accessToken } = login.json()
  const authorization = `Bearer ${accessToken}`
  const timeline = await app.inject({ url: '/v1/timeline', headers: { authorization } })
  t.match(timeline.json(), { items: [{ id: 9, text: 'written by 0.2.2', author: { id: 7 } }] })
})
