import { Agent, request as open } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds for an answer; the service ends its own work after 30 s. */
export const LIMIT = 45_000
/** Milliseconds of silence after which a connection has nothing more to say. */
const SILENCE = 100

export type Answer = {
  status: number
  type: string
  text: string
  location?: string
  cookies?: string[]
}

type Sent = {
  method: string
  path: string
  headers: Record<string, string>
  body?: string | Buffer | undefined
}

const agent = new Agent({ keepAlive: true, maxSockets: 50 })

/** The HTTP client refuses characters that no URL may have; raw sockets send them. */
const sendable = (path: string) =>
  path.toWellFormed().replaceAll(/[^\x21-\x7e]/gu, (each) => encodeURIComponent(each))

const latin1 = (value: string) => value.replaceAll(/[^\x20-\x7e]/g, '?')

/** Sends a request. A stream of events has no end: its client leaves. @throws Error when there is no answer in time */
export function send(port: number, { method, path, headers, body }: Sent) {
  return new Promise<Answer>((resolve, reject) => {
    const shown = Object.entries(headers).map(([name, value]) => [name, latin1(value)])
    const request = open({
      ...{ port, host: '127.0.0.1', agent, method, path: sendable(path) },
      headers: {
        ...Object.fromEntries(shown),
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      },
      signal: AbortSignal.timeout(LIMIT),
    })
    request.once('error', (error: NodeJS.ErrnoException) => {
      const isHang = error.name === 'AbortError' || error.name === 'TimeoutError'
      reject(isHang ? new Error(`no answer within ${LIMIT / 1000} s`) : error)
    })
    request.once('response', (response) => {
      const type = response.headers['content-type'] ?? ''
      const { statusCode: status = 0 } = response
      const { location, 'set-cookie': cookies } = response.headers
      const chunks: Buffer[] = []
      const done = () =>
        resolve({
          ...{ status, type, text: Buffer.concat(chunks).toString() },
          ...(location !== undefined && { location }),
          ...(cookies && { cookies }),
        })
      response.on('data', (chunk) => {
        chunks.push(chunk)
        if (!type.includes('event-stream')) return
        done()
        request.destroy()
      })
      response.once('end', done)
      response.once('error', reject)
    })
    request.end(body)
  })
}

/** Bytes for a raw socket, or milliseconds to wait between. */
export type Write = string | Buffer | number

/** The client's act after the last write. */
export type End = 'wait' | 'half-close' | 'reset'

export type Exchange = { received: string; closed: boolean }

/**
 * Writes bytes as they are and collects what comes back: until the server closes the connection, or `answers` answers
 * have begun and silence follows. @throws Error when neither happens in time
 */
export async function exchange(
  port: number,
  writes: Write[],
  end: End,
  answers: number,
  limit = LIMIT,
) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  let received = ''
  let closed = false
  let heard = performance.now()
  // The server may close the connection while the client still writes.
  socket.on('error', () => {})
  socket.once('close', () => {
    closed = true
  })
  socket.once('end', () => {
    closed = true
  })
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    heard = performance.now()
  })
  try {
    await writeAll(socket, writes)
    if (end === 'reset') return { received, closed: true }
    if (end === 'half-close') socket.end()
    const begun = performance.now()
    heard = begun
    while (!closed) {
      if (begun + limit < performance.now()) throw new Error(`${answers} answers did not come`)
      const isQuiet = performance.now() - heard > SILENCE
      if (isQuiet && answersIn(received).length >= answers) break
      await sleep(5)
    }
    return { received, closed }
  } finally {
    if (end === 'reset') socket.resetAndDestroy()
    else socket.destroy()
  }
}

async function writeAll(socket: Socket, writes: Write[]) {
  for (const write of writes) {
    if (typeof write === 'number') await sleep(write)
    else if (!socket.destroyed) socket.write(write)
  }
}

/** The statuses of answers, in their order; no body of the service begins a line with `HTTP/1.1 `. */
export const answersIn = (received: string) =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)]
    .map(([, status]) => Number(status))
    .filter((status) => status !== 100)
