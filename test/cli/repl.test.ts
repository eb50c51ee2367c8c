import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { settings } from '../helper.ts'

const REPL = join(import.meta.dirname, '../../cli/repl.ts')

t.test(
  'a line that is piped into the prompt uses the app, and the end of input closes it',
  async (t) => {
    const { PATH, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
    const aws = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }
    const env = { PATH, ...aws, ...(await settings(t)) }
    const run = promisify(execFile)(process.execPath, [REPL], { cwd: tmpdir(), env })
    run.child.stdin?.end('await app.db.execute("SELECT 6 * 7 AS answer")\n')
    const { stdout } = await run
    t.match(stdout, 'answer: 42')
  },
)
