import { readdirSync, readFileSync } from 'node:fs'

/** Milliseconds. */
const EVERY = 100

/** MB that a process and all below it have in memory now. */
export const memoryOf = (pid: number) => sum(treeOf(pid), 'Rss')

/** The most that a process and all below it have in memory at one time, in MB; Linux alone tells. */
export function watchMemory(pid: number) {
  let [rss, pss] = [0, 0]
  const timer = setInterval(() => {
    const tree = treeOf(pid)
    rss = Math.max(rss, sum(tree, 'Rss'))
    pss = Math.max(pss, sum(tree, 'Pss'))
  }, EVERY)
  return () => {
    clearInterval(timer)
    return { rss, pss }
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

/** Pss counts a page that several processes share once in all, Rss in each of them. */
const sum = (pids: number[], what: 'Rss' | 'Pss') =>
  pids
    .map((pid) => read(`/proc/${pid}/smaps_rollup`).match(`${what}:\\s+(\\d+)`)?.[1])
    .reduce((total, kib) => total + Number(kib ?? 0) / 1024, 0)

const parentOf = (pid: string) =>
  Number(
    read(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')[1],
  )

/** Nothing of a process that has just ended. */
function read(file: string) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
