/** Requests before the memory is expected to stay. */
const WARM_UP = 0.4
/** Megabytes by which it may grow after that, and as a part of it. */
const GROWTH = { megabytes: 80, part: 0.25 }

/** Says by how much the memory has grown, if it is too much. */
export function growthOf(memory: { sent: number; megabytes: number }[]) {
  const rest = memory.slice(Math.floor(memory.length * WARM_UP)).map(({ megabytes }) => megabytes)
  if (rest.length < 10) return undefined
  const third = Math.floor(rest.length / 3)
  const least = (part: number[]) => Math.min(...part)
  const [before, after] = [least(rest.slice(0, third)), least(rest.slice(-third))]
  const allowed = Math.max(GROWTH.megabytes, before * GROWTH.part)
  return after - before > allowed ? `The memory grew from ${before} to ${after} MB.` : undefined
}
