import type { Line, Sides } from './lines/line.ts'
import { measure } from './measure.ts'
import type { Process } from './processes/ask.ts'
import type { Bench } from './setup.ts'

/** Measures side a of a line with the service of this checkout, and with that of another as side b. */
export async function compare(line: Line, bench: Bench, other: Bench) {
  bench.progress(`${line.name}: ${line.a}, this checkout / the other`)
  const [mine, others] = [await line.prepare(bench), await line.prepare(other)]
  const a = alone(mine.a, other.service)
  const result = await measure(line, { ...mine, a, b: alone(others.a, bench.service) }, bench)
  await mine.end?.()
  await others.end?.()
  return result
}

/** Suspends the process that is not measured, which would otherwise run jobs of the measured one. */
function alone(side: Sides['a'], { pid }: Process) {
  return async (round: number) => {
    process.kill(pid, 'SIGSTOP')
    try {
      return await side(round)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  }
}
