import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { extensionFolders, service } from '../extension-folder.ts'
import { settings, setUp } from '../helper.ts'

const CLI = join(import.meta.dirname, '../../plugins/tasks/cli.ts')

const EXTENSIONS = extensionFolders(t)('chores', {
  'service.js': service(
    `
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
          signal.throwIfAborted()
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      },
    })
    app.tasks.add('chores:feed', {
      summary: 'feed all or one', argument: 'bird',
      run: async ({ argument = 'everyone' }) => argument + ' is fed.',
    })
    app.tasks.add('chores:fail', {
      summary: 'fail', run: async () => { throw new Error('The broom is gone.') },
    })`,
    'chores',
  ),
})
const env = { ...(await settings(t)), EXTENSIONS }
await setUp(t, env)

/** The real process, interrupted as soon as it has printed this. */
function run(args: string[], interruptAt?: string) {
  const { PATH, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  const aws = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }
  const options = { cwd: tmpdir(), env: { PATH, ...aws, ...env } }
  const child = spawn(process.execPath, [CLI, ...args], options)
  let output = ''
  const hear = (text: Buffer) => {
    const before = output
    output += text
    // Once: a signal that meets a process on its way out kills it.
    const isDue = interruptAt && output.includes(interruptAt) && !before.includes(interruptAt)
    if (isDue) child.kill('SIGINT')
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  return new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, output })),
  )
}

t.test('tasks can be listed, run with a progress bar and interrupted', async (t) => {
  const [list, sweep, fail, unknown, wait, fed, all, many] = await Promise.all([
    run([]),
    run(['chores:sweep']),
    run(['chores:fail']),
    run(['chores:dust']),
    run(['chores:wait'], '/1000'),
    run(['chores:feed', 'wren']),
    run(['chores:feed']),
    run(['chores:feed', 'wren', 'robin']),
  ])
  t.match(list, { code: 0, output: /chores:sweep +sweep the nests/ })
  t.match(sweep, { code: 0, output: /100% \| 3\/3.*3 nests are clean\.\n$/s })
  t.match(list.output, /chores:feed \[bird\] +feed all or one/)
  t.match(fed, { code: 0, output: /^wren is fed\.$/m })
  t.match(all, { code: 0, output: /^everyone is fed\.$/m })
  t.match(many, { code: 1, output: /There is no task chores:feed wren robin/ })
  t.match(fail, { code: 1, output: /^The broom is gone\.\n$/m })
  t.match(unknown, { code: 1, output: /There is no task chores:dust\. Tasks:\n.*chores:fail/s })
  t.match(wait, { code: 130, output: /Interrupted; run it again to go on\./ })
})
