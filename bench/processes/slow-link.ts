import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

/**
 * A way to the database that can hold each packet back, so that the time of a request shows its round
 * trips.
 */
export async function startSlowLink(target: string) {
  const to = new URL(target)
  let delay = 0
  const server = createServer((client) => {
    const database = connect({ port: Number(to.port), host: to.hostname, noDelay: true })
    client.setNoDelay(true)
    const pass = (data: Buffer) => void database.write(data)
    client.on('data', (data) => (delay > 0 ? setTimeout(pass, delay, data) : pass(data)))
    database.pipe(client)
    client.on('close', () => database.destroy())
    for (const socket of [client, database]) socket.on('error', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  // A server that listens on a port has an address with a port.
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    /** In milliseconds. */
    setDelay(milliseconds: number) {
      delay = milliseconds
    },
    stop: () => void server.close(),
  }
}
