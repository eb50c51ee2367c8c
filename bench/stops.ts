/** Ends what a bench has started, in reverse order: after the work, when it fails, and by Ctrl-C. */
export function createStops() {
  const stops: (() => unknown)[] = []

  let stopping = Promise.resolve()

  async function end() {
    for (const stop of stops.splice(0).reverse()) await stop()
  }

  /** Also waits for a call that is under way: the work fails when its parts end, and must not end the process before them. */
  function stopAll() {
    stopping = stopping.catch(() => {}).then(end)
    return stopping
  }

  async function during(work: () => Promise<void>) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => stopAll().finally(() => process.exit(130)))
    }
    try {
      await work()
    } finally {
      await stopAll()
    }
  }

  return { add: (...more: (() => unknown)[]) => void stops.push(...more), stopAll, during }
}
