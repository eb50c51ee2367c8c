/** Milliseconds until a client comes back, so that those of a restarted server spread out. */
const retry = () => 1_000 + Math.floor(Math.random() * 4_000)

export const frame = (seq: number, event: string, json: string) =>
  Buffer.from(`id: ${seq}\nevent: ${event}\ndata: ${json}\n\n`)

/** The first thing written: without it a proxy, and Node, would hold the headers back. */
export const greeting = () => Buffer.from(`retry: ${retry()}\n\n`)

export const hello = (seq: number) => frame(seq, 'hello', '{}')

/** There may be something between what the client has and this number: it must reload. */
export const reset = (seq: number) => frame(seq, 'reset', '{}')

/** Keeps the connection open, and lets the client reconnect from here; it is no event. */
export const heartbeat = (seq: number) => Buffer.from(`id: ${seq}\n\n`)
