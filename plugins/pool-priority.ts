import { readdirSync, readFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'

// The loader of plugins/ skips this module, which is no Fastify plugin.
export const autoload = false

const THREADS = '/proc/self/task'
/** The name that libuv gives to the threads of its pool. */
const POOL = 'libuv-worker'

/**
 * Gives the thread that answers requests precedence over libuv's pool. Linux alone has a priority for each
 * thread, which setpriority(2) sets by the thread's id. The pool must have started.
 * @throws Error where the system refuses
 */
export function lowerPoolPriority() {
  if (process.platform !== 'linux') return
  const priority = Math.max(getPriority(), constants.priority.PRIORITY_BELOW_NORMAL)
  for (const id of readdirSync(THREADS)) {
    if (nameOf(id) === POOL) setPriority(Number(id), priority)
  }
}

const nameOf = (id: string) => readFileSync(`${THREADS}/${id}/comm`, 'utf8').trim()
