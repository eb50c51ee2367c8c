import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import type { listening } from '../../extensions/mastodon/test/client.ts'
import type { User } from '../helper.ts'

type Server = Awaited<ReturnType<typeof listening>>

/** True if the program runs and ends well. */
export const runs = (program: string, args: string[]) => spawnSync(program, args).status === 0

/** The person opens the address, signs in and allows the app; the code is on the page. */
export async function codeAt({ post, signIn }: Server, user: User, address = '') {
  const fields = Object.fromEntries(new URL(address).searchParams)
  const consent = await signIn(user, fields)
  const page = await (await post('/oauth/authorize', { ...consent, decision: 'allow' })).text()
  return /<code>(.*)<\/code>/.exec(page)?.[1]
}

type Run = {
  env?: NodeJS.ProcessEnv
  /** Called with all output so far, whenever there is more; returns a line to type, if any. */
  answer?: ((output: string) => Promise<string | undefined>) | undefined
}

/** Runs a client to its end, which must be well, and returns its output. */
export async function run(t: Test, program: string, args: string[], { env, answer }: Run = {}) {
  const child = spawn(program, args, { env: { ...process.env, PYTHONUNBUFFERED: '1', ...env } })
  let output = ''
  const read = async (chunk: Buffer) => {
    output += chunk
    const line = await answer?.(output)
    if (line !== undefined) child.stdin.write(`${line}\n`)
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  const [status] = await once(child, 'close')
  t.equal(status, 0, `${args.join(' ')}: ${output}`)
  return output
}
