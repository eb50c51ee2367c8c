import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import WebSocket from 'ws'

type Message = { stream?: string[]; event?: string; payload?: string; error?: string }
type Sent = { token?: string; protocol?: string; headers?: Record<string, string> }

/** A list that others wait for. */
function createLog<Item>() {
  const items: Item[] = []
  const waiting = new Set<() => void>()

  function add(item: Item) {
    items.push(item)
    for (const look of waiting) look()
  }

  const find = (test: (item: Item) => boolean) =>
    new Promise<Item>((resolve) => {
      const look = () => {
        const found = items.find(test)
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })

  return { items, add, find }
}

/** A socket and what it has received. */
export function connect(url: string, query = '', { token, protocol, headers = {} }: Sent = {}) {
  const address = `${url.replace('http', 'ws')}/api/v1/streaming${query}`
  const socket = new WebSocket(address, protocol === undefined ? [] : [protocol], {
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
  })
  const log = createLog<Message>()
  socket.on('message', (data) => log.add(JSON.parse(String(data))))
  // A handshake that is refused is an error as well.
  socket.on('error', () => {})
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  opened.catch(() => {})
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  const send = (message: object | string) =>
    socket.send(typeof message === 'string' ? message : JSON.stringify(message))

  /** Asks for a stream; the refusal of a stream without a name tells that what was asked before is done. */
  async function subscribe(stream: string, tag?: string) {
    const errors = log.items.filter(({ error }) => error === 'Name a stream').length
    send({ type: 'subscribe', stream, tag })
    send({ type: 'subscribe' })
    await log.find(() => log.items.filter(({ error }) => error === 'Name a stream').length > errors)
  }

  return { ...log, socket, closed, send, subscribe, opened }
}

/** The answer to a handshake that is refused; status 101 for one that is not. */
export async function refusal(url: string, query = '', sent: Sent = {}) {
  const { socket, opened } = connect(url, query, sent)
  const refused = once(socket, 'unexpected-response') as Promise<[unknown, IncomingMessage]>
  const [, answer] = (await Promise.race([refused, opened])) ?? []
  const text = answer ? (await answer.toArray()).join('') : '{}'
  socket.terminate()
  return { status: answer?.statusCode ?? 101, body: JSON.parse(text) }
}

/** Server-Sent Events of a path; once it is open, its stream is. */
export async function read(url: string, path: string, token?: string) {
  const asked = get(`${url}/api/v1/streaming${path}`, {
    agent: false,
    headers: token ? { authorization: `Bearer ${token}` } : {},
  })
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const log = createLog<{ event: string; data: string }>()
  let rest = ''
  answer.on('data', (chunk) => {
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const [, event = '', data = ''] = /event: (.*)\ndata: (.*)/.exec(block) ?? []
      log.add({ event, data })
    }
  })
  const ended = new Promise<void>((resolve) => answer.once('close', resolve))
  return {
    ...log,
    status: answer.statusCode,
    headers: answer.headers,
    ended,
    pause: () => void answer.pause(),
    close: () => asked.destroy(),
  }
}
