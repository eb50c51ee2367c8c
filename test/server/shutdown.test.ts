import { Agent, get, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { test } from 'tap'
import { settings } from '../helper.ts'
import { type Server, spawnServer } from './spawn.ts'

const picture = await sharp({
  create: { width: 64, height: 64, channels: 3, background: 'teal' },
})
  .png()
  .toBuffer()

async function tokenFor(server: Server) {
  const body = { name: 'Ada', email: 'ada@example.com', password: 'correct horse battery' }
  const answer = await fetch(`${server.url}/v1/auth/sign-up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return ((await answer.json()) as { accessToken: string }).accessToken
}

/** Sends half of a picture; the returned function sends the rest and gives the answer. */
async function halfAnUpload(server: Server, token: string) {
  const type = 'Content-Type: image/png'
  const head = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n${type}\r\n\r\n`
  const body = Buffer.concat([Buffer.from(head), picture, Buffer.from('\r\n--b--\r\n')])
  const upload = request(`${server.url}/v1/users/me/avatar`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'multipart/form-data; boundary=b',
      'content-length': body.length,
    },
  })
  const answer = new Promise<IncomingMessage>((resolve, reject) =>
    upload.once('response', resolve).once('error', reject),
  )
  upload.write(body.subarray(0, 150))
  await sleep(200)
  return () => {
    upload.end(body.subarray(150))
    return answer
  }
}

/** A kept-alive connection on which nothing happens between its requests. */
async function rawConnection(server: Server) {
  const socket = connect(server.port, '127.0.0.1').setEncoding('utf8')
  await new Promise((resolve) => socket.once('connect', resolve))
  return async (path: string) => {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    return new Promise<string>((resolve) => socket.once('data', (text) => resolve(String(text))))
  }
}

/** Requests in a loop over kept-alive connections until new ones are refused: how they ended. */
async function load(server: Server) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const outcomes = new Set<number | string | undefined>()
  const one = () =>
    new Promise<number | string | undefined>((resolve) => {
      get(`${server.url}/v1/tweets`, { agent }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode))
        response.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      }).once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    })
  const client = async () => {
    for (let outcome = await one(); outcome !== 'ECONNREFUSED'; outcome = await one())
      outcomes.add(outcome)
  }
  await Promise.all(Array.from({ length: 8 }, client))
  agent.destroy()
  return [...outcomes]
}

test('after SIGTERM accepted requests are answered and new connections refused', async (t) => {
  const server = await spawnServer(t, { ...(await settings(t)), NODE_ENV: 'production' })
  await server.ready()
  const finishUpload = await halfAnUpload(server, await tokenFor(server))
  const ask = await rawConnection(server)
  t.match(await ask('/readyz'), /^HTTP\/1.1 200 /)
  // Browsers open spare connections; this one never sends anything.
  await rawConnection(server)
  const outcomes = load(server)
  await sleep(500)

  const begin = performance.now()
  server.child.kill('SIGTERM')
  t.same(await outcomes, [200], 'no request of the load failed')
  const draining = await ask('/readyz')
  t.match(draining, /^HTTP\/1.1 503 /)
  t.match(draining, /"status":"draining"/)
  t.match(draining, /connection: close/i)
  await sleep(1_000)
  const uploaded = await finishUpload()
  t.equal(uploaded.statusCode, 200, 'the upload was waited for')
  t.equal(uploaded.headers.connection, 'close')

  t.equal((await server.exited).code, 0)
  const took = Math.round(performance.now() - begin)
  t.ok(took < 8_000, `closed after ${took} ms, the silent connection notwithstanding`)
})

test('Ctrl-C ends the server despite open browser connections', async (t) => {
  const server = await spawnServer(t, await settings(t))
  await server.ready()
  const tab = await rawConnection(server)
  await tab('/livez')
  await rawConnection(server)
  const begin = performance.now()
  server.interrupt()
  t.equal((await server.exited).code, 0)
  const took = Math.round(performance.now() - begin)
  t.ok(took < 2_000, `closed after ${took} ms`)
})
