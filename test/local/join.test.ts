import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { createConnection } from 'mysql2/promise'
import { type Test, test } from 'tap'
import { joinLocal } from '../../local/join.ts'
import type { Env } from '../../plugins/config/index.ts'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { runningIn, temporaryFolder } from '../server/spawn.ts'

const LOCAL = pathToFileURL(join(import.meta.dirname, '../../local/index.ts')).href
/** Does what a service does about its stores, without the rest of it. */
const SERVICE = `
  import { startLocal } from ${JSON.stringify(LOCAL)}
  const stops = []
  await startLocal(process.env, console.log, (stop) => stops.push(stop))
  console.log('ready')
  process.once('SIGTERM', async () => {
    for (const stop of stops.reverse()) await stop()
    process.exit()
  })`

function spawnService(t: Test, env: Env) {
  const args = ['--input-type=module', '-e', SERVICE, env.LOCAL_DIR ?? '']
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  const child = spawn(process.execPath, args, { stdio: [...stdio], env: { ...ENV, ...env } })
  const exited = once(child, 'exit')
  let output = ''
  child.stdout?.on('data', (text) => {
    output += text
  })
  t.teardown(() => child.kill('SIGKILL'))
  const says = (text: string) => until(`says ${text}`, () => output.includes(text))
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await exited
  }
  return { says, end }
}

const ENV = { PATH: process.env.PATH }

/** Does what a tool does: joins, and stops in the end what it has started. */
async function tool(env: Env) {
  const [stops, lines]: [(() => Promise<unknown>)[], string[]] = [[], []]
  const settings = await joinLocal(
    { ...ENV, ...env },
    (line) => lines.push(line),
    (stop) => stops.push(stop),
  )
  const stop = async () => {
    for (const stop of stops.reverse()) await stop()
  }
  return { settings, lines, started: stops.length > 0, stop }
}

async function query(env: Env, sql: string) {
  const connection = await createConnection(connectionOptions(env))
  const [rows] = await connection.query(sql).finally(() => connection.end())
  return rows
}

async function until(what: string, condition: () => boolean) {
  for (let i = 0; !condition(); i++) {
    if (i === 3000) throw new Error(`still not: ${what}`)
    await sleep(20)
  }
}

test('a tool joins a running service, and starts the stores after a kill', async (t) => {
  const LOCAL_DIR = join(temporaryFolder(t), 'local')
  const announced = join(LOCAL_DIR, 'running.json')
  const service = spawnService(t, { LOCAL_DIR })
  await until('locked', () => existsSync(join(LOCAL_DIR, 'mariadb')))
  const early = await tool({ LOCAL_DIR })
  t.match(early.lines, [/another process uses/], 'the tool waits until the service has started')
  await service.says('ready')
  const { settings, started, lines } = await tool({ LOCAL_DIR })
  t.strictSame([early.started, started, lines], [false, false, []], 'nothing was started beside it')
  t.equal(statSync(announced).mode & 0o777, 0o600)
  t.equal(statSync(LOCAL_DIR).mode & 0o777, 0o700, 'no other user may look into the folder')
  t.equal(settings.JWT_SECRETS, readFileSync(join(LOCAL_DIR, 'jwt-secret'), 'utf8'))
  await query(settings, 'CREATE TABLE kept (id INT)')
  t.match(settings, { S3_BUCKET: 'birdhouse', AWS_ACCESS_KEY_ID: /^embedded-/ })
  t.equal(process.env.AWS_ACCESS_KEY_ID, settings.AWS_ACCESS_KEY_ID, 'the SDK reads this key')
  t.notOk(settings.DEMO_DATA)

  await service.end('SIGKILL')
  t.ok(existsSync(announced), 'a killed service leaves running.json')
  const alone = await tool({ LOCAL_DIR })
  t.ok(alone.started)
  t.notOk(existsSync(announced), 'the stale file is deleted, and a tool announces no stores')
  t.match(await query(alone.settings, 'SHOW TABLES'), [{ Tables_in_birdhouse: 'kept' }])

  const next = spawnService(t, { LOCAL_DIR })
  await next.says('another process uses')
  await alone.stop()
  await next.says('ready')
  await next.end('SIGTERM')
  t.notOk(existsSync(announced))
  t.same(runningIn(LOCAL_DIR), [], 'nothing is left running')
})

test('given settings are kept, and a database that is not embedded is not guessed', async (t) => {
  const given = { DATABASE_URL: 'mysql://user@host/name', S3_BUCKET: 'bucket', S3_REGION: 'region' }
  const LOCAL_DIR = join(temporaryFolder(t), 'local')
  t.match((await tool({ ...given, LOCAL_DIR })).settings, given)
  const production = await tool({ NODE_ENV: 'production', LOCAL_DIR })
  t.match(production, { started: false, lines: [] })
  await t.rejects(tool({ LOCAL_DIR, PORT: 'many' }), { message: /- PORT: it is "many"; set it to/ })

  const service = spawnService(t, { LOCAL_DIR, DATABASE_URL: given.DATABASE_URL })
  await service.says('ready')
  await t.rejects(tool({ LOCAL_DIR }), { message: /has its own DATABASE_URL.*same DATABASE_URL/ })
})
