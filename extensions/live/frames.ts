/** Milliseconds until a reconnect; random, so that clients of a restarted server spread out. */
const retry = () => 1_000 + Math.floor(Math.random() * 4_000)

export const frame = (seq: number, event: string, json: string) =>
  Buffer.from(`id: ${seq}\nevent: ${event}\ndata: ${json}\n\n`)

/** Sent first: without a body, Node and proxies would hold the headers back. */
export const greeting = () => Buffer.from(`retry: ${retry()}\n\n`)

export const hello = (seq: number) => frame(seq, 'hello', '{}')

/** The client may have missed events before this number and must reload. */
export const reset = (seq: number) => frame(seq, 'reset', '{}')

/** Keeps the connection open and lets the client resume from this number; it is not an event. */
export const heartbeat = (seq: number) => Buffer.from(`id: ${seq}\n\n`)
