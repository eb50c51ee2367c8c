import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The ids of the processes that decode for this one. */
export function workersOf(parent = process.pid) {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args=']).toString().split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, ppid, ...args]) => Number(ppid) === parent && /pictures.worker\.ts/.test(args.join()),
    )
    .map(([pid]) => Number(pid))
}

/** KiB; the most that each had in memory at any time. */
export const peaksOfWorkers = () =>
  workersOf().map((pid) => {
    const [, peak] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(peak)
  })
