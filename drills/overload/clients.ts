import { constants, setPriority } from 'node:os'
import { answer } from '../../bench/processes/ask.ts'
import { connectTo } from '../../bench/processes/connection.ts'

export type Clients = {
  port: number
  requests: string[]
  connections: number
  /** Addresses of the loopback network, over which the connections are spread. */
  addresses: string[]
  seconds: number
  /** Requests per second, whether answers come or not; without it, a connection sends when it has its answer. */
  rate?: number
  /** The service and its database come first on the machine that they share with these clients. */
  isNice?: boolean
}
/** Milliseconds of the answers by status; `unsent` requests found every connection waiting for an answer. */
export type Answers = { latencies: Record<string, number[]>; unsent: number }

/** Milliseconds between two times at which requests are sent. */
const TICK = 2

answer<Clients>(async ({ port, requests, connections, addresses, seconds, rate, isNice }) => {
  if (isNice) setPriority(constants.priority.PRIORITY_LOW)
  const answers: Answers = { latencies: {}, unsent: 0 }
  const begun = performance.now()
  const isOver = () => performance.now() - begun >= seconds * 1000
  /** Lets connections send that have no request under way. */
  const waiting: (() => void)[] = []

  async function work(n: number) {
    const connect = () => connectTo(port, addresses[n % addresses.length])
    const request = requests[n % requests.length] ?? ''
    let connection = await connect()
    for (;;) {
      if (rate) await new Promise<void>((send) => void waiting.push(send))
      if (isOver()) return connection.close()
      const sentAt = performance.now()
      const status = await connection.statusOf(request).catch(() => 'closed')
      const latencies = answers.latencies[status] ?? []
      answers.latencies[status] = latencies
      latencies.push(performance.now() - sentAt)
      if (status === 'closed') connection = await connect()
    }
  }

  let due = 0
  const pace = setInterval(() => {
    const all = Math.floor(((performance.now() - begun) / 1000) * (rate ?? 0))
    const now = waiting.splice(0, isOver() ? waiting.length : all - due)
    for (const send of now) send()
    if (!isOver()) answers.unsent += all - due - now.length
    due = all
  }, TICK)
  await Promise.all(Array.from({ length: connections }, (_, n) => work(n)))
  clearInterval(pace)
  return answers
})
