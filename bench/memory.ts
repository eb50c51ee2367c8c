import { readdirSync, readFileSync } from 'node:fs'

/** Milliseconds. */
const EVERY = 100
/** Bytes. */
const PAGE = 4096

/** RSS counts shared memory in each process, PSS once in total. */
export type Kind = 'rss' | 'pss'

/** Current memory of a process and its descendants in MB; Linux only. */
export const memoryOf = (pid: number, kind: Kind = 'rss') =>
  treeOf(pid)
    .map(kind === 'rss' ? rssOf : pssOf)
    .reduce((total, bytes) => total + bytes / 1024 ** 2, 0)

/** Peak memory of a process and its descendants, in MB. */
export function watchMemory(pid: number, kind: Kind) {
  let most = 0
  const timer = setInterval(() => {
    most = Math.max(most, memoryOf(pid, kind))
  }, EVERY)
  return () => {
    clearInterval(timer)
    return most
  }
}

function treeOf(root: number) {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => [Number(pid), parentOf(pid)] as const)
  const tree = [root]
  for (const parent of tree) {
    tree.push(...parents.filter(([, ppid]) => ppid === parent).map(([pid]) => pid))
  }
  return tree
}

const rssOf = (pid: number) => Number(read(`/proc/${pid}/statm`).split(' ')[1] ?? 0) * PAGE

/** Stops each process for about 20 ms, so never call this while measuring times. */
const pssOf = (pid: number) =>
  Number(read(`/proc/${pid}/smaps_rollup`).match(/^Pss:\s+(\d+)/m)?.[1] ?? 0) * 1024

const parentOf = (pid: string) =>
  Number(
    read(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')[1],
  )

/** Returns an empty text if the process has just ended. */
function read(file: string) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
