import { outsideExtensions } from '../db/extension-work.ts'

/**
 * Merges concurrent calls: callers that arrive while a read is running share the next read, so each
 * gets a value that was read after its call.
 */
export function singleFlight<Value>(read: () => Promise<Value>) {
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
    next ??= outsideExtensions(run)
    return next
  }
}
