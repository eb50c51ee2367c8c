/** Ends what a bench has started, in reverse order: after the work, when it fails, and by Ctrl-C. */
export function createStops() {
  const stops: (() => unknown)[] = []

  async function stopAll() {
    for (const stop of stops.splice(0).reverse()) await stop()
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
