import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../server/spawn.ts'
import { birdhouse } from './birdhouse.ts'

const LOCAL_DIR = join(temporaryFolder(t), 'local')
const run = (line: string) => birdhouse(line, { env: { LOCAL_DIR } })

t.test('a wrong call gets one line and exit code 2, and starts no store', async (t) => {
  const wrong: Record<string, RegExp> = {
    job: /^Unknown command 'job' \(Did you mean jobs\?\)$/,
    '--colour': /^Unknown option '--colour'$/,
    '-- --json': /^Unknown command '--json'$/,
    'jobs show': /^Missing required argument 'id'$/,
    'jobs show 1 2': /^Too many arguments for 'show'\. Expected 1 argument but got 2: 1, 2\.$/,
    'jobs list -- --json': /^Too many arguments for 'list'.*: --json\.$/,
    'jobs list --state': /^Option '--state <state>' argument missing$/,
    'db migrate now': /^Too many arguments for 'migrate'.*: now\.$/,
    'tasks dust': /^There is no command dust; .* tasks lists the commands of features\.$/,
    'new:extension': /^Missing required argument 'name or path'$/,
  }
  await Promise.all(
    Object.entries(wrong).map(async ([line, errors]) =>
      t.match(await run(line), { code: 2, out: '', errors }, line),
    ),
  )
  t.notOk(existsSync(LOCAL_DIR))
})

t.test('help is printed for the program and for each command, and starts no store', async (t) => {
  const [bare, help, jobs, list] = await Promise.all(
    ['', '--help', 'jobs', 'jobs list -h'].map(run),
  )
  t.match(help, {
    code: 0,
    errors: '',
    out: /^Usage: npm run birdhouse -- \[options\] \[command\]/,
  })
  t.match(help?.out, /\nFor operators:\n +jobs .*\n[\s\S]*\n +db [\s\S]*\nFor developers:\n/)
  t.match(help?.out, 'Features add commands: npm run birdhouse -- tasks lists them.')
  t.strictSame(bare, help)
  t.match(jobs?.out, /\n +retry \[options\] \[ids\.\.\.\] +make dead jobs due again/)
  t.match(list, { code: 0, errors: '', out: /--limit <number> +.*\(default: 50\)/ })
  t.notOk(existsSync(LOCAL_DIR))
})
