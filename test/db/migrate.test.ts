import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, createPool, type RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { migrate } from '../../db/migrate.ts'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { settings } from '../helper.ts'
import { migrateAll } from '../template.ts'

const BREAK = '\n--> statement-breakpoint\n'
const FIRST = [
  'CREATE TABLE birds (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL)',
  "INSERT INTO birds VALUES (1, 'wren')",
  'ALTER TABLE birds ADD COLUMN wings INT NOT NULL DEFAULT 2',
]
const SECOND = [
  'CREATE TABLE nests (id INT PRIMARY KEY, bird_id INT NOT NULL)',
  'ALTER TABLE nests ADD CONSTRAINT nests_bird FOREIGN KEY (bird_id) REFERENCES birds(id)',
  'CREATE INDEX birds_name ON birds (name)',
]

/** An empty database and a folder of migrations. */
async function start(t: Test) {
  const database = connectionOptions(await settings(t, { empty: true }))
  const pool = createPool(database)
  t.teardown(() => pool.end())
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-migrations-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const write = (file: string, statements: string[]) =>
    writeFileSync(join(folder, file), statements.join(BREAK))
  const query = async (sql: string) => (await pool.query<RowDataPacket[]>(sql))[0]
  const progress: string[] = []
  const run = () => migrate(database, (line) => progress.push(line), [], { folder })
  const connect = async () => {
    const connection = await createConnection(database)
    t.teardown(() => connection.destroy())
    return connection
  }
  const interrupted = (id: string) =>
    pool.query('UPDATE migrations SET applied_at = NULL WHERE id = ?', [id])
  const lockedFor = (seconds: number) =>
    pool.query(
      `UPDATE migration_lock SET token = 'another process',
        expires_at = UTC_TIMESTAMP(3) + INTERVAL ? SECOND`,
      [seconds],
    )
  write('0000_first.sql', FIRST)
  return { database, write, query, run, progress, connect, interrupted, lockedFor }
}

t.test('each statement is applied once and in order, also in files added later', async (t) => {
  const { write, run, query } = await start(t)
  t.equal(await run(), 3)
  t.strictSame(await query('SELECT * FROM birds'), [{ id: 1, name: 'wren', wings: 2 }])
  t.equal(await run(), 0, 'twice is once')
  write('0001_second.sql', SECOND)
  t.equal(await run(), 3)
  t.strictSame(await query('SELECT COUNT(*) AS n FROM birds'), [{ n: 1 }])
  const notes = await query('SELECT id, applied_at FROM migrations ORDER BY id')
  t.equal(notes.length, 6)
  t.ok(notes.every((note) => Math.abs(note.applied_at.getTime() - Date.now()) < 60_000))
})

t.test('eight simultaneous processes apply the real migrations once', async (t) => {
  const { database, query } = await start(t)
  const counts = await Promise.all(Array.from({ length: 8 }, () => migrate(database)))
  const notes = await query('SELECT id FROM migrations WHERE applied_at IS NOT NULL')
  t.ok(notes.length > 30)
  t.equal(
    counts.reduce((sum, count) => sum + count),
    notes.length,
    `each step by one of them: ${counts}`,
  )
  t.equal(await migrate(database), 0)
  const tables = (await query('SHOW TABLES')).map((row) => Object.values(row)[0])
  for (const table of ['users', 'tweets', 'jobs', 'follows', 'idempotency_keys']) {
    t.ok(tables.includes(table), table)
  }
})

t.test('concurrent processes run a non-repeatable statement once', async (t) => {
  const { write, run, query } = await start(t)
  write('0001_count.sql', ['UPDATE birds SET wings = wings + 1', ...SECOND])
  await Promise.all(Array.from({ length: 6 }, run))
  t.strictSame(await query('SELECT wings FROM birds'), [{ wings: 3 }])
})

t.test('an edited migration stops the boot, before anything else is applied', async (t) => {
  const { write, run, query } = await start(t)
  await run()
  write('0000_first.sql', [...FIRST.slice(0, 2), `${FIRST[2]} COMMENT 'edited'`])
  write('0001_second.sql', SECOND)
  await t.rejects(run(), { message: /0000_first\.sql#3 was edited.*new migration/s })
  t.strictSame(await query("SHOW TABLES LIKE 'nests'"), [])
  write('0000_first.sql', FIRST)
  t.equal(await run(), 3, 'restored it goes on')
})

t.test('a statement that was applied but not recorded is recorded', async (t) => {
  const { write, run, query, interrupted } = await start(t)
  write('0001_second.sql', SECOND)
  await run()
  const ddl = [
    '0000_first.sql#1',
    '0000_first.sql#3',
    ...[1, 2, 3].map((n) => `0001_second.sql#${n}`),
  ]
  for (const id of ddl) {
    await interrupted(id)
    t.equal(await run(), 1, id)
  }
  t.strictSame(await query('SELECT id FROM migrations WHERE applied_at IS NULL'), [])
})

t.test('a statement that was begun but not applied is applied', async (t) => {
  const { write, run, query } = await start(t)
  await run()
  write('0001_second.sql', SECOND)
  await run()
  await query('ALTER TABLE nests DROP FOREIGN KEY nests_bird')
  await query("UPDATE migrations SET applied_at = NULL WHERE id = '0001_second.sql#2'")
  t.equal(await run(), 1)
  const [row] = await query('SHOW CREATE TABLE nests')
  t.match(row?.['Create Table'], /nests_bird/)
})

t.test('the error names the failing statement, on each start until it is fixed', async (t) => {
  const { write, run, query } = await start(t)
  await query('CREATE TABLE nests (something_else INT)')
  write('0001_second.sql', SECOND)
  for (let time = 0; time < 2; time++) {
    await t.rejects(run(), { message: /Migration 0001_second\.sql#1 failed: .*exists/ })
  }
  await query('DROP TABLE nests')
  t.equal(await run(), 3, 'the migration continues where it stopped')

  write('0002_wrong.sql', ['ALTER TABLE birds ADD COLUMN colour NONSENSE'])
  for (let time = 0; time < 2; time++) {
    await t.rejects(run(), { message: /0002_wrong\.sql#1 failed/ })
  }
  write('0002_wrong.sql', ['ALTER TABLE birds ADD COLUMN colour VARCHAR(10)'])
  t.equal(await run(), 1, 'a file that has never been applied may be mended')

  const orphan = 'ALTER TABLE nests ADD CONSTRAINT odd FOREIGN KEY (id) REFERENCES nowhere(id)'
  write('0003_odd.sql', [orphan])
  for (let time = 0; time < 2; time++) await t.rejects(run(), { message: /0003_odd\.sql#1 failed/ })
})

t.test('the lock of a dead process is taken over when it has expired', async (t) => {
  const { write, run, progress, lockedFor } = await start(t)
  await run()
  await lockedFor(-1)
  write('0001_second.sql', SECOND)
  t.equal(await run(), 3)
  t.notMatch(progress.join(), /waiting/, 'at once')
  await lockedFor(60)
  t.equal(await run(), 0, 'without migrations there is no wait')
})

t.test('the lock of a living process is waited for', async (t) => {
  const { write, run, progress, lockedFor, query } = await start(t)
  await run()
  write('0001_second.sql', SECOND)
  await lockedFor(1.2)
  const running = run()
  await sleep(700)
  t.strictSame(await query("SHOW TABLES LIKE 'nests'"), [], 'not yet')
  t.match(progress.at(-1), /waiting/)
  t.equal(await running, 3)
  const [lock] = await query('SELECT expires_at < UTC_TIMESTAMP() AS free FROM migration_lock')
  t.match(lock, { free: 1 }, 'the lock is released')
})

t.test('a process whose lock was taken over stops', async (t) => {
  const { write, run, query, lockedFor } = await start(t)
  await run()
  write('0001_slow.sql', ['DO SLEEP(0.6)', ...SECOND])
  const running = run()
  await sleep(300)
  await lockedFor(60)
  await t.rejects(running, { message: /taken over the migration lock/ })
  t.strictSame(await query("SHOW TABLES LIKE 'nests'"), [])
  const [lock] = await query('SELECT token FROM migration_lock')
  t.match(lock, { token: 'another process' }, 'the lock of the other stays')
})

t.test('a statement that waits for a table lets queries of that table pass', async (t) => {
  const { write, run, progress, connect } = await start(t)
  await run()
  write('0001_alter.sql', ['ALTER TABLE birds ADD COLUMN colour VARCHAR(20)'])
  const [holder, reader] = [await connect(), await connect()]
  await holder.query('BEGIN')
  await holder.query('SELECT * FROM birds')
  const running = run()
  await sleep(300)
  // Without an end of its own this query would wait as long as the transaction is open.
  await reader.query('SET SESSION lock_wait_timeout = 5')
  const [rows] = await reader.query('SELECT id FROM birds')
  t.strictSame(rows, [{ id: 1 }], 'answered while the transaction is open')
  while (!progress.some((line) => line.includes('waits for a lock'))) await sleep(20)
  await holder.query('COMMIT')
  t.equal(await running, 1)
})

t.test('the test template equals the result of the migrations', async (t) => {
  const migrated = (await settings(t, { empty: true })).DATABASE_URL ?? ''
  t.ok((await migrateAll(migrated)) > 100)
  const copied = (await settings(t)).DATABASE_URL ?? ''
  t.equal(await migrateAll(copied), 0, 'nothing is left to do')
  t.strictSame(await describe(t, copied), await describe(t, migrated))
})

/** Everything that a schema consists of, and the rows that the migrations have written. */
async function describe(t: Test, url: string) {
  const pool = createPool({ uri: url })
  t.teardown(() => pool.end())
  const query = async (sql: string) => (await pool.query<RowDataPacket[]>(sql))[0]
  const names = await query(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
  )
  const tables = await Promise.all(names.map(({ name }) => query(`SHOW CREATE TABLE ${name}`)))
  const count = (what: string) =>
    query(`SELECT COUNT(*) AS n FROM information_schema.${what}_schema = DATABASE()`)
  return {
    // MySQL names the character set of a column only where a migration did.
    tables: tables
      .map(([table]) => table?.['Create Table'].replaceAll(' CHARACTER SET utf8mb4', ''))
      .sort(),
    steps: await query('SELECT id, hash FROM migrations ORDER BY id'),
    routines: await count('routines WHERE routine'),
    triggers: await count('triggers WHERE trigger'),
  }
}

t.test('rows that refer to a table with a virtual column are added while it changes', async (t) => {
  const { write, run, connect, query } = await start(t)
  write('0000_first.sql', [
    `CREATE TABLE birds (id INT PRIMARY KEY, name INT, died INT,
      gone INT AS (COALESCE(died, name)) VIRTUAL)`,
    'CREATE TABLE eggs (bird_id INT, FOREIGN KEY (bird_id) REFERENCES birds (id))',
    `INSERT INTO birds (id) VALUES ${Array.from({ length: 100 }, (_, id) => `(${id})`)}`,
  ])
  await run()
  const changes = Array.from({ length: 8 }, (_, n) => [
    'CREATE INDEX birds_name ON birds (name)',
    `ALTER TABLE birds ADD wings_${n} INT`,
    'ALTER TABLE birds MODIFY gone INT AS (COALESCE(name, died)) VIRTUAL',
    'DROP INDEX birds_name ON birds;',
  ])
  write('0001_second.sql', changes.flat())

  let changed = false
  const added = await Promise.all([
    run().finally(() => {
      changed = true
    }),
    ...Array.from({ length: 8 }, async (_, writer) => {
      const connection = await connect()
      let rows = 0
      for (; !changed; rows++) {
        await connection.query('INSERT INTO eggs VALUES (?)', [(rows * 8 + writer) % 100])
      }
      return rows
    }),
  ])
  t.equal(added[0], 32)
  const [{ n } = { n: 0 }] = await query('SELECT COUNT(*) AS n FROM eggs')
  t.equal(
    n,
    added.slice(1).reduce((sum, rows) => sum + rows, 0),
  )
  t.equal((await query("SHOW COLUMNS FROM birds LIKE 'wings%'")).length, 8)
})
