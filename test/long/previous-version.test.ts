import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createPool, type Pool, type RowDataPacket } from 'mysql2/promise'
import { test } from 'tap'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { settings } from '../helper.ts'
import { type Server, spawnServer, temporaryFolder } from '../server/spawn.ts'
import { startCrowd } from './crowd.ts'
import { install, previousVersion } from './previous-version.ts'

/** Milliseconds of traffic in each state. */
const WHILE = 2_000
const COMMANDS = join(import.meta.dirname, '../../cli/index.ts')

const found = previousVersion()
const skip = found ? false : 'the history has no earlier version: fetch it, and its tags'

test('the previous version and this one serve one database, in both directions', {
  skip,
}, async (t) => {
  const server = install(found?.revision ?? '', temporaryFolder(t))
  t.comment(`the previous version is ${found?.version}, revision ${found?.revision}`)
  const env = await settings(t, { empty: true })
  const pool = createPool(connectionOptions(env))
  t.teardown(() => pool.end())
  const [before, after] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')]
  // A JWT secret is being replaced at the same time: each process signs with its own and takes both.
  const startOld = () => start({ ...env, JWT_SECRETS: `${before},${after}` }, server)
  const startNew = () => start({ ...env, JWT_SECRETS: `${after},${before}` })
  async function start(settings: typeof env, path?: string) {
    const process = await spawnServer(t, settings, path)
    await process.ready()
    return process
  }
  const end = async ({ child, exited }: Server) => {
    child.kill('SIGTERM')
    await exited
  }

  const crowd = startCrowd()
  t.teardown(crowd.pause)
  async function serve(what: string, ...processes: Server[]) {
    crowd.servedBy(processes.map(({ url }) => url))
    await sleep(WHILE)
    await crowd.pause()
    t.same(crowd.unexpected, [], `${what}: every answer is as documented`)
    const left = await settled(pool)
    for (const { url } of processes)
      t.same(await crowd.differences(url), [], `${what}: all is shown`)
    return left
  }

  let old = await startOld()
  await serve('the previous version', old)

  crowd.servedBy([old.url])
  const migrated = await promisify(execFile)(process.execPath, [COMMANDS, 'db', 'migrate'], { env })
  t.comment(migrated.stderr)
  await serve('the previous version on the new schema', old)

  let current = await startNew()
  t.same(await serve('both versions', old, current), [], 'all jobs have been run')
  await end(old)
  t.same(await serve('this version', current), [])

  old = await startOld()
  crowd.servedBy([old.url])
  await end(current)
  const left = await serve('back to the previous version', old)
  t.comment(`jobs left for this version: ${left.join() || 'none'}`)
  current = await startNew()
  t.same(await serve('both versions again', old, current), [], 'jobs that were left have been run')
  t.comment(crowd.counts())
})

/** Waits until no job is due but those that no running process knows; returns the names of these. */
async function settled(pool: Pool) {
  const patience = performance.now() + 30_000
  for (;;) {
    const [rows] = await pool.query<RowDataPacket[]>(
      `SELECT name, error FROM jobs WHERE error IS NOT NULL OR dead_at IS NOT NULL
        OR (unique_key IS NULL AND run_at < NOW(3) + INTERVAL 30 SECOND)`,
    )
    const failed = rows.find(({ error }) => error)
    if (failed) throw new Error(`${failed.name}: ${failed.error}`)
    if (rows.length === 0 || performance.now() > patience)
      return [...new Set(rows.map(({ name }) => name))]
    await sleep(100)
  }
}
