import { once } from 'node:events'
import { type Agent, type ClientRequest, get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from 'birdhouse/testing'

type Parent = { author: { name: string } | null }
type Body = { id: number; text: string; replyTo: Parent | null }
type Event = { id: number; event: string; data: Body & { retweetOf: Body | null } }
type Options = {
  lastId?: number | undefined
  headers?: Record<string, string>
  agent?: Agent
  origin?: string
}

/** A client of the stream on a real connection; `app` listens. */
export class Listener {
  events: Event[] = []
  /** The value that a client would send as Last-Event-ID. */
  lastId: number | undefined
  text = ''
  ended = false
  #request: ClientRequest
  #response: IncomingMessage | undefined
  #rest = ''

  static async open(app: App, as: { token: string }, options: Options = {}) {
    const listener = new Listener(app, as, options)
    await listener.#opened()
    return listener
  }

  constructor(app: App, as: { token: string }, { lastId, headers, agent, origin }: Options) {
    this.lastId = lastId
    this.#request = get(`${origin ?? app.listeningOrigin}/v1/live`, {
      agent: agent ?? false,
      headers: {
        authorization: `Bearer ${as.token}`,
        accept: 'text/event-stream',
        ...(lastId !== undefined && { 'last-event-id': lastId }),
        ...headers,
      },
    })
  }

  async #opened() {
    const [response] = (await once(this.#request, 'response')) as [IncomingMessage]
    this.#response = response
    const end = () => {
      this.ended = true
    }
    response.on('data', (data) => this.#take(String(data)))
    response.on('end', end).on('close', end).on('error', end)
    this.#request.on('error', end)
    if (response.statusCode === 200) return
    await this.untilEnded()
  }

  #take(text: string) {
    this.text += text
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const pairs = block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string])
      const fields: Record<string, string> = Object.fromEntries(pairs)
      if (fields.id) this.lastId = Number(fields.id)
      if (!fields.event) continue
      const { id, event, data = 'null' } = fields
      this.events.push({ id: Number(id), event, data: JSON.parse(data) })
    }
  }

  get status() {
    return this.#response?.statusCode
  }

  get headers() {
    return this.#response?.headers ?? {}
  }

  get problem() {
    return JSON.parse(this.text)
  }

  /** Ids of the tweets told of so far. */
  get tweets(): number[] {
    return this.all('tweet').map(({ id }) => id)
  }

  all(name: string) {
    return this.events.flatMap(({ event, data }) => (event === name ? [data] : []))
  }

  pause() {
    this.#response?.pause()
  }

  close() {
    this.#request.destroy()
  }

  async until(condition: (listener: this) => boolean, what: string, limit = 5_000) {
    const start = performance.now()
    while (!condition(this)) {
      if (performance.now() - start > limit) {
        throw new Error(`still not there after ${limit} ms: ${what}; got ${this.text.slice(-500)}`)
      }
      await sleep(5)
    }
    return performance.now() - start
  }

  untilEnded = (limit?: number) => this.until(({ ended }) => ended, 'the end', limit)
  untilHello = () => this.until((one) => one.all('hello').length > 0, 'hello')
  untilTweet = (id: number, limit?: number) =>
    this.until(({ tweets }) => tweets.includes(id), `tweet ${id}`, limit)
}

/** Open, and told that it is live. */
export async function listen(app: App, as: { token: string }, options?: Options) {
  const listener = await Listener.open(app, as, options)
  if (listener.status === 200) await listener.untilHello()
  return listener
}
