/** CPU time before and memory after a garbage collection of this process. */
export function usage() {
  const { user, system } = process.cpuUsage()
  globalThis.gc?.()
  globalThis.gc?.()
  const after = process.cpuUsage()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, heap: heapUsed + external, cpu: user + system, cpuAfter: after.user + after.system }
}
