import { setTimeout as sleep } from 'node:timers/promises'
import { eq, sql } from 'drizzle-orm'
import t from 'tap'
import { details, listing } from '../../cli/jobs-output.ts'
import type { Env } from '../../plugins/config/index.ts'
import { createJobAdmin, type State } from '../../plugins/jobs/admin.ts'
import { settings, setUp } from '../helper.ts'
import { birdhouse } from './birdhouse.ts'

const { DATABASE_URL } = await settings(t)
const app = await setUp(t, { DATABASE_URL })
const { jobs } = app.tables
const admin = createJobAdmin(app.db)

/** The process has only the setting of the database, and another time zone. */
const run = (line: string, env: Env = { DATABASE_URL }) =>
  birdhouse(`jobs ${line}`, { env: { NODE_ENV: 'production', TZ: 'Asia/Seoul', ...env } })

const inSeconds = (seconds: number) => sql`NOW(3) + INTERVAL ${seconds} SECOND`
const DEAD = { attempts: 12, error: 'Error: no luck\nline two', deadAt: inSeconds(-60) }

async function insert(name: string, values: object = DEAD) {
  const row = { name, payload: { text: '안녕 🦜' }, runAt: inSeconds(-90), ...values }
  const [{ insertId }] = await app.db.insert(jobs).values(row)
  return insertId
}

async function rowOf(id: number) {
  const [row] = await app.db.select().from(jobs).where(eq(jobs.id, id))
  return row
}

t.test('lists the dead, the running and the waiting, and shows one', async (t) => {
  const dead = [await insert('cli.list'), await insert('cli.list', { ...DEAD, error: '\x1b[2J' })]
  const lease = { token: 'somebody', attempts: 1 }
  const running = await insert('cli.list', { ...lease, runAt: inSeconds(60), progress: 'half' })
  const ended = await insert('cli.list', { ...lease, runAt: inSeconds(-1) })
  const waiting = await insert('cli.list', { runAt: inSeconds(60) })
  await app.db.execute(sql`UPDATE ${jobs} SET payload = '{broken' WHERE id = ${dead[1]}`)

  const idsIn = async (state: State) =>
    (await admin.list({ state, name: 'cli.list' }, 50)).items.map(({ id }) => id)
  t.strictSame(await idsIn('dead'), dead.toReversed())
  t.strictSame(await idsIn('running'), [running])
  t.strictSame(await idsIn('waiting'), [ended, waiting])
  t.match(await admin.find(running), { state: 'running', progress: 'half', dueAt: null })
  const all = { name: 'cli.list' }
  t.match(listing(all, await admin.list(all, 2)), /\n2 of 5 jobs named cli\.list; --limit shows/)

  const [text, json] = await Promise.all([
    run('list --name cli.list'),
    run(`show ${dead[1]} --json`),
  ])
  t.match(text, { code: 0, errors: '' })
  t.match(text.out, /^ID +NAME .*\n\d+ +cli\.list +dead +12 .*\n.* Error: no luck line two\n/)
  t.match(text.out, /\n2 dead jobs named cli\.list\.\n$/)
  t.notMatch(text.out, '\x1b', 'user input cannot control the terminal')
  const row = await rowOf(dead[0] ?? 0)
  const shown = JSON.parse(json.out)
  t.match(shown, { payload: '{broken', attempts: 12, state: 'dead', error: '\x1b[2J' })
  t.ok(Math.abs(Date.parse(shown.deadAt) - Number(row?.deadAt)) < 5_000, 'in UTC')
  const job = await admin.find(dead[0] ?? 0)
  t.match(job && details(job), new RegExp(`\ndead +${row?.deadAt?.toISOString()}\n`))
  t.match(
    job && details(job),
    /\nerror +Error: no luck\n {12}line two\n[\s\S]*\npayload +{"text":"안녕 🦜"}$/,
  )
})

t.test('retries the dead it is told to, beside a running worker, and nothing else', async (t) => {
  const ran: unknown[] = []
  app.jobs.define(
    'test.retry',
    async (payload: object, { attempt }) => void ran.push(attempt, payload),
  )
  const [here, elsewhere] = [await insert('test.retry'), await insert('cli.elsewhere')]
  const waiting = await insert('cli.elsewhere', { runAt: inSeconds(60), attempts: 3 })
  const untouched = await insert('cli.elsewhere')

  const { code, out, errors } = await run(`retry ${here} ${waiting} ${elsewhere} 999999 --json`)
  t.equal(code, 1)
  t.strictSame(JSON.parse(out), { retried: 2, refused: [waiting, 999_999] })
  t.match(errors, new RegExp(`^Job ${waiting} is waiting, not dead.*\nThere is no job 999999.*$`))
  t.match(await rowOf(elsewhere), { deadAt: null, attempts: 0, token: null })
  t.match(await rowOf(waiting), { attempts: 3 })
  t.match(await rowOf(untouched), { deadAt: Date, attempts: 12 })
  for (let i = 0; i < 200 && (await rowOf(here)); i++) await sleep(20)
  t.strictSame(ran, [1, { text: '안녕 🦜' }], 'the worker took it from the first attempt')
})

t.test('retries all of a name, and all', async (t) => {
  const row = { name: 'cli.many', payload: {}, runAt: new Date(), ...DEAD }
  await app.db.insert(jobs).values(Array(1_100).fill(row))
  const other = await insert('cli.other')
  t.match(await run('retry --name cli.many'), { code: 0, out: '1100 dead jobs are due again.\n' })
  t.match(await admin.list({ name: 'cli.many', state: 'waiting' }, 1), { total: 1_100 })
  t.match(await rowOf(other), { deadAt: Date })
  const { total } = await admin.list({ state: 'dead' }, 1)
  t.equal(await admin.reviveAll(), total)
  t.match(await rowOf(other), { deadAt: null })
})

t.test('a wrong call is told what to change', async (t) => {
  const wrong: Record<string, RegExp> = {
    lst: /^Unknown command 'lst'.*$/,
    'list --state gone':
      /^Option .* is invalid\. Allowed choices are dead, waiting, running, all\.$/,
    'list --limit 0': /^Option .* is invalid\. Give a whole number from 1 to 10000\.$/,
    'show 0x5': /^.*'0x5' is invalid.*Give a whole number from 1 to \d+\.$/,
    'show 5 --limit 3': /^Unknown option '--limit'.*$/,
    retry: /^Give retry one of these.*$/,
    'retry 5 --all': /^Give retry one of these.*$/,
    'retry --all --name x': /^Give retry one of these.*$/,
  }
  await Promise.all(
    Object.entries(wrong).map(async ([line, errors]) =>
      t.match(await run(line), { code: 2, out: '', errors }, line),
    ),
  )
})

t.test('mistakes end in a sentence and an exit code', async (t) => {
  const { DATABASE_URL } = await settings(t, { empty: true })
  const [gone, unset, empty] = await Promise.all([
    run('show 999999 --json'),
    run('list', {}),
    run('list', { DATABASE_URL }),
  ])
  t.match(gone, { code: 1, out: '', errors: /^There is no job 999999.*$/ })
  t.match(unset, { code: 1, out: '', errors: /\n- DATABASE_URL: it is not set; set it to .*$/ })
  t.match(empty, { code: 1, out: '', errors: /^The database lacks a table\. Run `npm start`.*$/ })
})
