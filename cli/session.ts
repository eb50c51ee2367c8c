import { constants } from 'node:os'

export type Session = ReturnType<typeof createSession>

/** Milliseconds. npm passes a Ctrl-C on that the terminal has sent here as well. */
const SAME_SIGNAL = 1_000

/** One run of the command line: progress, signals, exit code, and what must be stopped in the end. */
export function createSession() {
  const stops: (() => Promise<unknown>)[] = []
  const interruption = new AbortController()
  let signalledAt: number | undefined
  let isPatient = false

  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => onSignal(128 + constants.signals[name]))
  }
  // The reader of the output, such as `head`, may have closed it.
  process.stdout.on('error', () => process.exit())

  /** A second signal means that the operator does not wait for a task to end between two steps. */
  function onSignal(exitCode: number) {
    const isFirst = signalledAt === undefined
    signalledAt ??= performance.now()
    process.exitCode = exitCode
    interruption.abort(new Error('Interrupted; run the command again to go on.'))
    const isRepeated = performance.now() - signalledAt > SAME_SIGNAL
    if (isRepeated || (isFirst && !isPatient)) close().finally(() => process.exit())
  }

  /** Stops what was started, last step first. */
  async function close() {
    for (const stop of stops.splice(0).reverse()) await stop().catch(report)
  }

  async function run(work: () => Promise<void>) {
    try {
      await work()
    } catch (error) {
      const { advise } = await import('./advice.ts')
      report(advise(error))
    }
    await close()
  }

  /** Does work that ends by itself, between two steps, when the signal aborts. */
  async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>) {
    isPatient = true
    interruption.signal.throwIfAborted()
    return work(interruption.signal)
  }

  function report(problem: unknown) {
    console.error(printable(problem instanceof Error ? problem.message : String(problem)))
    process.exitCode ||= 1
  }

  return {
    /** A line of progress, on standard error. */
    note: (line: string) => console.error(`- ${line}`),
    /** Called in the end, last one first. */
    onStop: (stop: () => Promise<unknown>) => void stops.push(stop),
    /** A problem, on standard error; the exit code is 1. */
    report,
    interruptible,
    run,
  }
}

/** The result of a command, on standard output: one JSON document, or text. */
export const print = (result: unknown, text: string, { json }: { json?: true | undefined }) =>
  console.log(json ? JSON.stringify(result, null, 2) : printable(text))

/** Errors carry what users sent; nothing in it may move the cursor or colour the terminal. */
export const printable = (text: string) => text.replace(/[^\P{Cc}\n]/gu, ' ')

/** The option of each command that prints a result. */
export const JSON_OPTION = ['--json', 'print one JSON document'] as const
