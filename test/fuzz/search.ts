import fc from 'fast-check'
import { type Route, type Script, scripts } from './requests.ts'

/** Milliseconds in which a failed script is made shorter. */
const SHRINKING = 180_000
/** Scripts that run at the same time. */
const AT_ONCE = 4

/** A script that fails, as short as it could be made. */
export type Failure = { script: Script; error: string; seed: number }

type Search = {
  seed: number
  isEnough: () => boolean
  log: (line: string) => void
  count: () => number
}

/** Runs several scripts at once, each with people of its own, until one fails. */
export async function search(
  routes: Route[],
  runScript: (script: Script) => Promise<void>,
  { seed, isEnough, log, count }: Search,
): Promise<Failure | undefined> {
  const arbitrary = scripts(routes)
  let failure: Failure | undefined
  let next = seed
  let shown = 0

  async function work() {
    while (!isEnough() && !failure) {
      const one = next++
      failure ??= await check(arbitrary, runScript, one, true)
      if (count() - shown < 2_500) continue
      shown = count()
      log(`${shown} requests, script ${one}`)
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, work))
  if (!failure) return undefined
  log(`Script ${failure.seed} fails and is made shorter: ${failure.error}`)
  // A failure that depends on time may not come again.
  return (await check(arbitrary, runScript, failure.seed, false)) ?? failure
}

/** Runs the script of a seed, and, unless `once`, shorter ones while they fail. */
async function check(
  arbitrary: fc.Arbitrary<Script>,
  runScript: (script: Script) => Promise<void>,
  seed: number,
  once: boolean,
): Promise<Failure | undefined> {
  const end = performance.now() + SHRINKING
  const property = fc.asyncProperty(arbitrary, async (script) => {
    if (once || performance.now() < end) await runScript(script)
  })
  const options = { seed, numRuns: 1, endOnFailure: once }
  const { failed, counterexample, errorInstance } = await fc.check(property, options)
  if (!failed) return undefined
  return { seed, script: counterexample?.[0] ?? [], error: (errorInstance as Error).message }
}
