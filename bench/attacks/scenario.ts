import { connectTo } from '../processes/connection.ts'

/** Durations in milliseconds, and the number of answers by status; `closed` is a connection without an answer. */
export type Outcome = { latencies: number[]; answers: Record<string, number> }

/** A connection from an address of 127.0.0.0/8 that sends its requests in turn. */
export type Client = { from: string; requests: string[] }

export type Scenario = {
  name: string
  title: string
  /** Settings of the service besides those of every scenario. */
  env?: Record<string, string>
  prepare: (service: { port: number }) => Promise<{
    /** The requests of people, once; measured without the attack and during it. */
    honest: () => Promise<Outcome>
    /** Runs until the signal aborts. */
    attack: (signal: AbortSignal) => Promise<Outcome>
  }>
}

/** Every client sends each of its requests once. */
export const once = (port: number, clients: Client[]) =>
  collect(clients, async (client, outcome) => {
    for (const request of client.requests) await exchange(port, { ...client, request }, outcome)
  })

/** Every client sends its requests again and again until the signal aborts. */
export const repeatedly = (port: number, clients: Client[], signal: AbortSignal) =>
  collect(clients, async ({ from, requests }, outcome) => {
    for (let n = 0; !signal.aborted; n++) {
      const request = requests[n % requests.length] ?? ''
      await exchange(port, { from, request }, outcome, signal)
    }
  })

async function collect(clients: Client[], run: (one: Client, outcome: Outcome) => Promise<void>) {
  const outcome: Outcome = { latencies: [], answers: {} }
  await Promise.all(clients.map((client) => run(client, outcome)))
  return outcome
}

async function exchange(
  port: number,
  { from, request }: { from: string; request: string },
  { latencies, answers }: Outcome,
  signal?: AbortSignal,
) {
  const begun = performance.now()
  const connection = await connectTo(port, from)
  const leave = () => connection.close()
  const gone = new Promise<string>((resolve) =>
    signal?.addEventListener('abort', () => resolve('left'), { once: true }),
  )
  const status = await Promise.race([connection.statusOf(request).catch(() => 'closed'), gone])
  leave()
  if (status === 'left') return
  latencies.push(performance.now() - begun)
  answers[status] = (answers[status] ?? 0) + 1
}
