import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

type Settings = { apps: [{ env: NodeJS.ProcessEnv; node_args: string }] }

// PM2 reads CommonJS, so the compiler knows no types.
const pm2 = createRequire(import.meta.url)('../../ecosystem.config.cjs') as Settings
const [{ env, node_args }] = pm2.apps
const isSet = ([, value]: [string, string | undefined]) => value !== ''
/** Options of Node.js in production; settings that are not exported are empty there. */
export const SERVICE = {
  env: Object.fromEntries(Object.entries(env).filter(isSet)),
  args: node_args.split(' '),
}

const running = new Set<ChildProcess>()

/** Starts a file of this folder, or of an absolute path, as a process that answers messages one by one. */
export function start(file: string, env: NodeJS.ProcessEnv = {}, execArgv: string[] = []) {
  const child = fork(resolve(import.meta.dirname, file), {
    execArgv,
    env: { ...process.env, ...env },
    serialization: 'advanced',
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return {
    pid: child.pid ?? 0,
    ask: <Answer>(question: object) => ask<Answer>(child, question),
    stop: () => stop(child),
  }
}

export type Process = ReturnType<typeof start>

async function ask<Answer>(child: ChildProcess, question: object) {
  const abort = new AbortController()
  const died = once(child, 'exit', abort).then(() => {
    throw new Error('A process of the bench has died.')
  })
  died.catch(() => {})
  child.send(question)
  const [answer] = await Promise.race([once(child, 'message', abort), died]).finally(() =>
    abort.abort(),
  )
  if (answer.error) throw new Error(answer.error)
  // The caller states the type of the answer; both ends are files of this folder.
  return answer as Answer
}

async function stop(child: ChildProcess) {
  if (!running.has(child)) return
  child.disconnect()
  await once(child, 'exit')
}

export const stopAll = () => Promise.all([...running].map(stop))

/** For the started process: answers each message with a result or an error. */
export function answer<Question>(reply: (question: Question) => Promise<object>) {
  process.on('message', async (question: Question) => {
    const error = ({ stack, message }: Error) => ({ error: stack ?? message })
    process.send?.(await reply(question).catch(error))
  })
  process.on('disconnect', () => process.exit())
  // Ctrl-C is for the bench, which then stops all processes.
  process.on('SIGINT', () => {})
}
