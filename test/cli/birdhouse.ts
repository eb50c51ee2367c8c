import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import type { Env } from '../../plugins/config/index.ts'
import { CHILD_ENV } from '../child-env.ts'

const CLI = join(import.meta.dirname, '../../cli/index.ts')

type Options = {
  env?: Env
  /** Text for standard input, which is closed after it. */
  input?: string
  /** SIGINT is sent as soon as one of the outputs has this text, so many times. */
  interruptAt?: string
  signals?: number
}

/** Each process may load the whole app, which has 10 s for every plugin. */
const twoAtOnce = pLimit(2)

/** Runs `birdhouse <line>` in a process of its own, away from a developer's .env. */
export const birdhouse = (line: string, options: Options = {}) =>
  twoAtOnce(() => run(line, options))

async function run(line: string, { env, input, ...options }: Options) {
  const child = spawn(process.execPath, [CLI, ...line.split(' ').filter(Boolean)], {
    cwd: tmpdir(),
    env: { ...CHILD_ENV, ...env },
  })
  let [out, errors] = ['', '']
  let signals = options.interruptAt ? (options.signals ?? 1) : 0
  const onOutput = () => {
    if (!`${out}${errors}`.includes(options.interruptAt ?? '')) return
    for (; signals > 0; signals--) child.kill('SIGINT')
  }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text
    onOutput()
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text
    onOutput()
  })
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code: code as number | null, out, errors: errors.trim() }
}
