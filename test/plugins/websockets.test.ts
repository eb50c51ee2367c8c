import { once } from 'node:events'
import { request } from 'node:http'
import t from 'tap'
import { extensionFolders, index } from '../extension-folder.ts'
import { setUp } from '../helper.ts'

// WebSockets of an extension, beside HTTP on the same port.

const echo = index(`
  await app.webSockets.enable(app, { maxPayload: 100 })
  app.get('/echo', { websocket: true, schema: { hide: true } }, (socket) => {
    socket.on('message', (data) => socket.send(String(data)))
  })
  app.get('/echo/broken', { websocket: true, schema: { hide: true } }, () => { throw new Error('broken') })
  app.post('/plain', { schema: { hide: true } }, async ({ body }) => body)
`)
const app = await setUp(t, { EXTENSIONS: extensionFolders(t)('echo', { 'index.js': echo }) })
await app.listen({ host: '127.0.0.1', port: 0 })
const origin = app.listeningOrigin

const connect = (path: string) => new WebSocket(`${origin.replace('http', 'ws')}${path}`)
const closeOf = async (socket: WebSocket) => ((await once(socket, 'close')) as [CloseEvent])[0]

async function opened(path = '/v1/echo') {
  const socket = connect(path)
  await once(socket, 'open')
  return socket
}

t.test('messages go both ways, and one that is too long ends the connection', async (t) => {
  const socket = await opened()
  socket.send('한')
  const [{ data }] = (await once(socket, 'message')) as [MessageEvent]
  t.equal(data, '한')
  const closed = closeOf(socket)
  socket.send('x'.repeat(101))
  t.equal((await closed).code, 1009)
  t.equal((await closeOf(await opened('/v1/echo/broken'))).code, 1011)
})

t.test('a route without WebSocket answers an upgrade as any other request', async (t) => {
  for (const upgrade of ['h2c', 'websocket']) {
    const headers = { connection: 'Upgrade', upgrade, 'content-type': 'application/json' }
    const sent = request(`${origin}/v1/plain`, { method: 'POST', headers })
    const answered = once(sent, 'response')
    sent.end('{"a":1}')
    const [answer] = await answered
    t.equal(answer.statusCode, 200, upgrade)
    t.equal(String((await answer.toArray())[0]), '{"a":1}')
  }
  for (const path of ['/v1/tweets', '/v1/nothing', '/%zz']) {
    const socket = connect(path)
    await once(socket, 'error')
    t.equal(socket.readyState, WebSocket.CLOSED, path)
  }
})

t.test('draining ends connections with 1001, and the app closes at once', async (t) => {
  const socket = await opened()
  const closed = closeOf(socket)
  const drained = app.drain.begin()
  t.equal((await closed).code, 1001)
  await drained
  const begun = performance.now()
  await app.close()
  t.ok(performance.now() - begun < 2_000)
})
