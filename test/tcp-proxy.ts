import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

/**
 * A way to a store that can be cut, can lose bytes, can be mended, and counts the bytes of the store's answers: `target` is
 * the store's URL, `url` the one to use.
 */
export async function startTcpProxy(t: Test, target: string) {
  const { hostname, port } = new URL(target)
  const open = new Set<Socket>()
  let up = true
  let answered = 0
  const server = createServer((client) => {
    if (!up) return void client.destroy()
    const store = connect(Number(port), hostname)
    client.pipe(store).pipe(client)
    store.on('data', ({ length }) => {
      answered += length
    })
    for (const [socket, other] of [
      [client, store],
      [store, client],
    ] as const) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.port = String((server.address() as AddressInfo).port)

  function cut() {
    up = false
    for (const socket of open) socket.destroy()
  }
  /** Loses all bytes of the open connections, as when a host vanishes; new ones work. */
  function swallow() {
    for (const socket of open) {
      socket.unpipe()
      socket.resume()
    }
  }
  function mend() {
    up = true
  }
  t.teardown(() => {
    cut()
    server.close()
  })
  return { url: url.href, cut, swallow, mend, answered: () => answered }
}
