/**
 * One read for all who ask at the same time. Who asks while one is running waits for the next: each
 * gets what was read after asking.
 */
export function shared<Value>(read: () => Promise<Value>) {
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<Value> | undefined

  async function run() {
    await running
    const reading = read()
    running = reading.catch(() => {})
    next = undefined
    return reading
  }

  return () => {
    next ??= run()
    return next
  }
}
