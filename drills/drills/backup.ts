import { execFile } from 'node:child_process'
import { cpSync, globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import sharp from 'sharp'
import { check } from '../check.ts'
import { type House, type Stops, startHouse } from '../house.ts'
import { startWorkload } from '../workload.ts'

const run = promisify(execFile)
const SECONDS = 6
/** Milliseconds. mariadb-binlog stops at whole seconds. */
const SECOND = 1_100
const ROOT = join(import.meta.dirname, '../..')
/** Rows that running processes change or that belong to one of them. */
const LIVE = new Set(['jobs'])

export const backup = {
  name: 'backup',
  title: 'a dump under load, and binary logs up to the moment before all likes are deleted',
  async run(stops: Stops) {
    const house = await startHouse(stops, {
      everyDatabase: true,
      serverOptions: ['--log-bin=binlog', '--binlog-format=ROW', '--server-id=1'],
    })
    const workload = await startWorkload(house.url)
    await sleep(SECONDS * 1000)
    const begun = performance.now()
    const dump = join(house.folder, 'dump.sql')
    await dumpTo(dump, house.env.DATABASE_URL)
    const seconds = Math.round((performance.now() - begun) / 100) / 10
    await sleep(SECONDS * 1000)
    const result = await workload.stop()
    await addPicture(house.url, result.people[0]?.token ?? '')
    await settled(house)
    for (const one of house.processes) one.stop()
    const before = await rowsOf(house.env.DATABASE_URL)
    const moment = await makeMistake(house.env.DATABASE_URL)

    const other = await startHouse(stops, {
      everyDatabase: true,
      env: { JWT_SECRETS: house.env.JWT_SECRETS },
    })
    for (const one of other.processes) one.stop()
    await load(dump, other.env.DATABASE_URL)
    await replay(dump, house.database.folder, moment, other.env.DATABASE_URL)
    cpSync(house.s3Folder, other.s3Folder, { recursive: true })
    await other.s3.stop()
    await other.s3.start()
    const after = await rowsOf(other.env.DATABASE_URL)
    const different = [...before].filter(
      ([table, rows]) => rows.join() !== after.get(table)?.join(),
    )
    for (const [table, rows] of different) showDifference(table, rows, after.get(table) ?? [])
    const objects = compareObjects(house.s3Folder, other.s3Folder)

    const restored = await restart(other)
    const { lost, doubled, wrongLists } = await check(restored, result)
    const swept = await command(other, 'media:sweep')
    const rebuilt = await command(other, 'timelines:rebuild')
    const again = await check(restored, result)
    console.log(`\nbackup: ${this.title}`)
    console.table([
      {
        tables: before.size,
        'different tables': different.map(([table]) => table).join(' ') || 0,
        ...objects,
        acknowledged: result.acknowledged,
        lost: lost + again.lost,
        doubled: doubled + again.doubled,
        'wrong timelines': wrongLists + again.wrongLists,
        'seconds of the dump': seconds,
      },
    ])
    console.log(`media:sweep: ${swept.trim()}\ntimelines:rebuild: ${rebuilt.trim()}`)
  },
}

async function addPicture(url: string, token: string) {
  const create = { width: 600, height: 400, channels: 3, background: 'teal' } as const
  const picture = await sharp({ create }).jpeg().toBuffer()
  const body = new FormData()
  body.append('file', new Blob([new Uint8Array(picture)]))
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${url}/v1/users/me/avatar`, { method: 'PUT', headers, body })
  if (!response.ok) throw new Error(await response.text())
}

/** Waits for the jobs of the load, so that the dump and the comparison see the same rows. */
async function settled({ env }: House) {
  const connection = await createConnection(env.DATABASE_URL)
  const waiting = 'SELECT COUNT(*) AS count FROM jobs WHERE unique_key IS NULL AND dead_at IS NULL'
  for (;;) {
    const [[row]] = await connection.query<RowDataPacket[]>(waiting)
    if (row?.count === 0) break
    await sleep(200)
  }
  await connection.end()
}

function client(url: string) {
  const { hostname, port, username, password, pathname } = new URL(url)
  const args = [`--host=${hostname}`, `--port=${port}`, `--user=${username}`]
  return { args, env: { ...process.env, MYSQL_PWD: password }, name: pathname.slice(1) }
}

/** The command of docs/drills.md. */
async function dumpTo(file: string, url: string) {
  const { args, env, name } = client(url)
  const options = ['--single-transaction', '--master-data=2', '--hex-blob', '--routines']
  await run('mariadb-dump', [...args, ...options, `--result-file=${file}`, name], { env })
}

async function load(file: string, url: string) {
  const { args, env, name } = client(url)
  const loading = run('mariadb', [...args, name], { env })
  loading.child.stdin?.end(readFileSync(file))
  await loading
}

/** Deletes what must come back. @returns the second before, as mariadb-binlog reads it */
async function makeMistake(url: string) {
  await sleep(SECOND)
  const moment = new Date().toISOString().slice(0, 19).replace('T', ' ')
  await sleep(SECOND)
  const connection = await createConnection(url)
  await connection.query('DELETE FROM likes')
  await connection.end()
  return moment
}

/** The commands of docs/drills.md. */
async function replay(dump: string, folder: string, moment: string, url: string) {
  const head = readFileSync(dump, 'utf8').slice(0, 10_000)
  const [, first = '', position] = /MASTER_LOG_FILE='(.+)', MASTER_LOG_POS=(\d+)/.exec(head) ?? []
  const files = globSync('binlog.[0-9]*', { cwd: join(folder, 'data') }).sort()
  const { stdout } = await run(
    'mariadb-binlog',
    [
      ...[`--start-position=${position}`, `--stop-datetime=${moment}`],
      ...files.filter((file) => file >= first).map((file) => join(folder, 'data', file)),
    ],
    { env: { ...process.env, TZ: 'UTC' }, maxBuffer: 1024 ** 3 },
  )
  const { args, env, name } = client(url)
  const loading = run('mariadb', [...args, '--binary-mode', name], { env })
  loading.child.stdin?.end(stdout)
  await loading
}

/** The rows of each table as text, with microseconds. CHECKSUM TABLE differs for equal rows with a virtual column. */
async function rowsOf(url: string) {
  const connection = await createConnection({ uri: url, dateStrings: true })
  const [tables] = await connection.query<RowDataPacket[]>('SHOW TABLES')
  const names = tables.map((row) => String(Object.values(row)[0])).filter((one) => !LIVE.has(one))
  const all = new Map<string, string[]>()
  for (const name of names) {
    const [rows] = await connection.query<RowDataPacket[]>(`SELECT * FROM \`${name}\``)
    all.set(name, rows.map((row) => JSON.stringify(row)).sort())
  }
  await connection.end()
  return all
}

function showDifference(table: string, before: string[], after: string[]) {
  const lost = before.filter((row) => !after.includes(row))
  const added = after.filter((row) => !before.includes(row))
  console.log(`${table}: without ${lost.slice(0, 2)}, with ${added.slice(0, 2)} instead`)
}

function compareObjects(one: string, other: string) {
  const files = (folder: string) =>
    globSync('**/*', { cwd: folder }).filter((file) => statSync(join(folder, file)).isFile())
  const names = files(one)
  const same = (name: string) =>
    readFileSync(join(one, name)).equals(readFileSync(join(other, name)))
  return { objects: names.length, 'different objects': names.filter((name) => !same(name)).length }
}

/** The processes that were stopped for the restore do not come back; new ones read the restored rows. */
async function restart({ processes: [first] }: House) {
  await first?.restart()
  return `http://127.0.0.1:${first?.port}`
}

async function command({ env }: House, name: string) {
  const { stdout } = await run(process.execPath, [join(ROOT, 'cli/index.ts'), name], { env })
  return stdout
}
