import net from 'node:net'

/** To MySQL, a query begins with the number of its attributes, 0, in a set of 1; no text begins so. */
const textStart = (packet: Buffer) => (packet[5] === 0 && packet[6] === 1 ? 7 : 5)

/** The SQL of a query packet (COM_QUERY), or '' for any other. */
const queryOf = (packet: Buffer) =>
  packet[4] === 3 ? packet.subarray(textStart(packet)).toString() : ''

/** An error packet of the MySQL protocol, as the answer to the first packet of a command. */
function errorPacket(errno: number, message: string) {
  const body = Buffer.alloc(3)
  body[0] = 0xff
  body.writeUInt16LE(errno, 1)
  const payload = Buffer.concat([body, Buffer.from(`#08S01${message}`)])
  const header = Buffer.alloc(4)
  header.writeUIntLE(payload.length, 0, 3)
  header[3] = 1
  return Buffer.concat([header, payload])
}

type Watch = { pattern: RegExp; when: 'before' | 'after'; reached: () => void }

/**
 * A relay in front of a database that can refuse statements, as a cluster does while it has no
 * primary (error 1047), without closing the connection, and that can hold one at a chosen step.
 */
export async function startMysqlFaultProxy(target: number) {
  let refused: RegExp | undefined
  let refusal = errorPacket(1047, '')
  let closed = 0
  let refusals = 0
  let watch: Watch | undefined
  const clients = new Set<net.Socket>()
  const server = net.createServer((client) => {
    const upstream = net.connect(target, '127.0.0.1')
    clients.add(client)
    let transaction = ''
    let held: Watch | undefined
    upstream.on('data', (data) => {
      if (held) return held.reached()
      client.write(data)
    })
    upstream.on('close', () => client.destroy())
    client.on('close', () => {
      closed++
      clients.delete(client)
      upstream.destroy()
    })
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy())
    client.on('data', (data) => {
      const query = queryOf(data)
      transaction = /^begin/i.test(query) ? query : `${transaction}; ${query}`
      if (refused?.test(query)) {
        refusals++
        return client.write(refusal)
      }
      if (watch?.pattern.test(transaction)) {
        held = watch
        watch = undefined
        if (held.when === 'before') return held.reached()
      }
      upstream.write(data)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  /**
   * Resolves when a transaction whose statements so far match comes along; its last one is then
   * held back, or done and its answer held back.
   */
  const reach = (pattern: RegExp, when: 'before' | 'after') =>
    new Promise<void>((reached) => {
      watch = { pattern, when, reached }
    })

  return {
    port: (server.address() as net.AddressInfo).port,
    /** How many connections have ended. */
    closed: () => closed,
    /** How many statements have been refused. */
    refusals: () => refusals,
    /** Ends all connections, as when the server is killed. */
    cut: () => {
      for (const client of clients) client.destroy()
    },
    refuse: (statements: RegExp | undefined, errno = 1047, message = 'not yet prepared') => {
      refused = statements
      refusal = errorPacket(errno, message)
    },
    reach,
    stop: () => server.close(),
  }
}
