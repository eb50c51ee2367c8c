import { sql } from 'drizzle-orm'
import t from 'tap'
import { extensionFolders, service } from '../extension-folder.ts'
import { settings, setUp } from '../helper.ts'
import { birdhouse } from './birdhouse.ts'

const EXTENSIONS = extensionFolders(t)('chores', {
  'service.js': service(
    `
    app.log.error('a line of the log')
    app.tasks.add('chores:sweep', {
      summary: 'sweep the nests',
      run: async ({ progress }) => {
        for (let done = 0; done <= 3; done++) progress(done, 3)
        return '3 nests are clean.'
      },
    })
    app.tasks.add('chores:wait', {
      summary: 'wait for spring',
      run: async ({ progress, signal }) => {
        for (let done = 1; ; done++) {
          progress(done, 1000)
          if (signal.aborted) {
            await new Promise((resolve) => setTimeout(resolve, 300))
            console.error('The step is finished.')
          }
          signal.throwIfAborted()
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      },
    })
    app.tasks.add('chores:feed', {
      summary: 'feed all or one', argument: 'bird',
      run: async ({ argument = 'everyone' }) => argument + ' is fed.',
    })
    app.jobs.define('chores.count', async () => console.error('A job has run.'))
    app.tasks.add('chores:fail', {
      summary: 'fail once a job is due',
      run: async () => {
        await app.transaction((tx) => app.jobs.add(tx, ['chores.count'], {}))
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        throw new Error('The broom is gone.')
      },
    })`,
    'chores',
  ),
})
const env = { ...(await settings(t)), LOG_LEVEL: 'error', EXTENSIONS }
const app = await setUp(t, { ...env, LOG_LEVEL: 'silent' })
// With these workers stopped, a job that is due could only be run by a command.
await app.jobs.stop()
const run = (line: string, options = {}) => birdhouse(line, { env, ...options })

t.test('tasks are listed, run with progress, take an argument, and are in the help', async (t) => {
  const [list, json, help, own, sweep, fed, all] = await Promise.all([
    run('tasks'),
    run('tasks --json'),
    run('--help'),
    run('chores:feed --help'),
    run('chores:sweep'),
    run('tasks chores:feed wren'),
    run('chores:feed --json'),
  ])
  t.match(list, { code: 0, out: /^chores:feed \[bird\] +feed all or one$/m })
  const feed = { name: 'chores:feed', argument: 'bird', summary: 'feed all or one' }
  t.match(
    JSON.parse(json.out).items.find(({ name }: { name: string }) => name === 'chores:feed'),
    feed,
  )
  t.match(json.errors, 'a line of the log', 'logs go to standard error')
  const listed =
    /\nFrom features:\n +auth:unlock [\s\S]*\n +auth:reset-second-factor [\s\S]*\n +media:sweep /
  t.match(help, { code: 0, out: listed })
  t.match(help.out, /\n +chores:feed \[options\] \[bird\] +feed all or one\n/)
  t.match(own, { code: 0, out: /^Usage: .* chores:feed \[options\] \[bird\]\n\nfeed all or one\n/ })
  t.match(sweep, { code: 0, out: '3 nests are clean.\n', errors: /100% \| 3\/3/ })
  t.match(fed, { code: 0, out: 'wren is fed.\n' })
  t.strictSame(JSON.parse(all.out), { task: 'chores:feed', message: 'everyone is fed.' })
})

t.test(
  'a task without a colon in its name, or with a name that is taken, is refused',
  async (t) => {
    const task = { summary: 'sweep', run: async () => 'done' }
    t.throws(() => app.tasks.add('sweep', task), {
      message: /a colon and a verb, such as hashtags:/,
    })
    t.throws(() => app.tasks.add('chores:sweep', task), { message: /is taken; choose another/ })
  },
)

t.test('a wrong call ends with 2, a failure with 1, Ctrl-C with 130', async (t) => {
  const [many, unknown, nested, fail, wait, twice] = await Promise.all([
    run('chores:feed wren robin'),
    run('chores:dust'),
    run('tasks chores:dust'),
    run('chores:fail'),
    run('chores:wait', { interruptAt: '/1000' }),
    run('chores:wait', { interruptAt: '/1000', signals: 2 }),
  ])
  t.match(many, { code: 2, out: '', errors: /^Too many arguments for 'chores:feed'.*wren, robin/m })
  for (const { code, errors } of [unknown, nested]) {
    t.equal(code, 2)
    t.match(errors, /^There is no command chores:dust; npm run birdhouse -- tasks lists/m)
  }
  t.match(fail, { code: 1, out: '', errors: /^The broom is gone\.$/m })
  t.notMatch(fail.errors, 'A job has run.', 'a command starts no job workers')
  // npm sends a second signal right behind that of the terminal.
  for (const { code, out, errors } of [wait, twice]) {
    t.strictSame({ code, out }, { code: 130, out: '' })
    t.match(
      errors,
      /The step is finished\.\n[\s\S]*\nInterrupted; run the command again to go on\.$/,
    )
  }
})

t.test('a database that is behind is listed for and not migrated; tasks refuse it', async (t) => {
  const [[last]] = (await app.db.execute(sql`SELECT MAX(id) AS id FROM migrations`)) as any
  await app.db.execute(sql`DELETE FROM migrations WHERE id = ${last.id}`)
  const [list, sweep, repl] = await Promise.all([run('tasks'), run('chores:sweep'), run('repl')])
  t.match(list, { code: 0, out: /chores:sweep/ })
  const behind =
    /^1 migration steps are not applied\. Run `npm start` or .* -- db migrate` first\.$/m
  t.match(sweep, { code: 1, out: '', errors: behind })
  t.match(repl, { code: 1, errors: behind })
  const status = await run('db status --json')
  t.match(JSON.parse(status.out), { applied: Number, pending: [last.id] })
  t.match(await run('db status'), { code: 0, out: `${last.id}\n` })
})
