import type { Connection } from './connection.ts'

/** Messages that a client may send at once, and then each second. */
const BURST = 40
const EACH_SECOND = 2

/** Counts messages; false when a client sends too many. */
export function createAllowance() {
  let left = BURST
  let at = performance.now()
  return () => {
    const now = performance.now()
    left = Math.min(BURST, left + ((now - at) / 1000) * EACH_SECOND)
    at = now
    return --left >= 0
  }
}

type Wish = { type: unknown; stream: unknown; tag: unknown }

function read(text: string): Wish | undefined {
  try {
    const { type, stream, tag } = JSON.parse(text)
    return { type, stream, tag }
  } catch {
    return undefined
  }
}

/** Does what a message asks for; returns what is wrong with it. */
export async function obey(text: string, connection: Connection) {
  const wish = read(text)
  if (!wish) return { error: 'Send JSON such as {"type":"subscribe","stream":"user"}', status: 400 }
  const { type, stream, tag } = wish
  if (typeof stream !== 'string') return { error: 'Name a stream', status: 400 }
  const name = typeof tag === 'string' ? tag : undefined
  if (type === 'unsubscribe') return connection.unsubscribe(stream, name)
  if (type !== 'subscribe') return { error: 'Unknown type of message', status: 400 }
  return connection.subscribe(stream, name)
}
