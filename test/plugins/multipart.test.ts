import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import Fastify from 'fastify'
import t from 'tap'
import clientAddress from '../../plugins/client-address.ts'
import deadline from '../../plugins/deadline.ts'
import errors from '../../plugins/errors/index.ts'
import multipart from '../../plugins/multipart/index.ts'
import { uploadedFiles } from '../multipart.ts'

const FILE = { schema: { consumes: ['multipart/form-data'] } }

const lines: string[] = []
const app = Fastify({
  logger: { level: 'info', stream: { write: (line) => void lines.push(line) } },
})
await app.register(errors)
await app.register(deadline)
await app.register(clientAddress)
await app.register(multipart, { grace: 1 })
app.decorateRequest('viewerId', {
  getter() {
    const account = this.headers['x-account']
    return account === undefined ? undefined : Number(account)
  },
})
app.post('/file', FILE, async (request, reply) => {
  const bytes = await request.withFile('file', ({ file }) => readFile(file))
  return reply.type('application/octet-stream').send(bytes)
})
app.post('/lost', FILE, async (request) =>
  request.withFile('file', async ({ file }) => {
    await rm(dirname(file), { recursive: true })
    return readFile(file)
  }),
)
let worked = 0
app.post('/hurry', { ...FILE, config: { deadline: 200 } }, async (request) =>
  request.withFile('file', async () => {
    worked++
  }),
)
app.post('/late', { ...FILE, onRequest: async () => sleep(100) }, async (request) =>
  request.withFile('file', async () => ({ worked: ++worked })),
)
app.post('/long', FILE, async (request) =>
  request.withFile('file', async () => ({ waited: await sleep(2_500, true) })),
)
const url = await app.listen({ host: '127.0.0.1', port: 0 })
t.teardown(() => app.close())

const TYPE = 'multipart/form-data; boundary=b'
const HEAD = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
const END = '\r\n--b--\r\n'

/** Sends each of these as a chunk of its own (RFC 9112, section 7.1). */
async function sendChunks(chunks: Buffer[]) {
  const sending = request(`${url}/file`, { method: 'POST', headers: { 'content-type': TYPE } })
  for (const chunk of chunks) sending.write(chunk)
  sending.end()
  const [response] = await once(sending, 'response')
  return { status: response.statusCode, bytes: await buffer(response) }
}

/** Bytes in a file that nearly end it, in pieces that are sent as such. */
const pieces = fc.array(
  fc.oneof(
    fc.constantFrom('\r', '\r\n', '\r\n-', '\r\n--', '\r\n--\r\n--', '\n--b', '--b--', 'x', 'b'),
    fc.nat(40_000).map((length) => 'y'.repeat(length)),
  ),
  { minLength: 1, maxLength: 12 },
)

t.test('a file arrives unchanged for any chunk boundaries', async (t) => {
  const works = fc.asyncProperty(pieces, async (file) => {
    const text = file.join('')
    fc.pre(!`\r\n${text}\r\n`.includes('\r\n--b'))
    const chunks = [HEAD, ...file.filter(Boolean), END].map((piece) => Buffer.from(piece))
    const { status, bytes } = await sendChunks(chunks)
    return status === 200 && bytes.equals(Buffer.from(text))
  })
  await t.resolves(fc.assert(works, { numRuns: 300 }))
})

t.test('bytes that the parser holds back are not detached', async (t) => {
  // Too much for the file's stream, then all of a delimiter but its end, twice.
  const file = ['y'.repeat(200_000), '\r\n--', 'x', 'y'.repeat(200_000), '\r\n--', 'x']
  const { status, bytes } = await sendChunks([HEAD, ...file, END].map((one) => Buffer.from(one)))
  t.equal(status, 200)
  t.ok(bytes.equals(Buffer.from(file.join(''))))
})

/** A connection on which a file of an account has begun to come. */
function begin(path: string, account = 1, length = 9999) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: x\r\nx-account: ${account}\r\n` +
      `content-type: ${TYPE}\r\ncontent-length: ${length}\r\n\r\n${HEAD}abc`,
  )
  return socket
}

t.test('a body that does not arrive is 408', async (t) => {
  const socket = begin('/hurry')
  for (let waits = 0; uploadedFiles(process.pid).length === 0 && waits < 100; waits++)
    await sleep(2)
  const answer = String(await buffer(socket))
  t.match(answer, /^HTTP\/1.1 408 .*connection: close.*BODY_TOO_SLOW/is)
  for (let waits = 0; uploadedFiles(process.pid).length > 0 && waits < 100; waits++) await sleep(10)
  t.strictSame(uploadedFiles(process.pid), [], 'its place is free')
  t.equal(worked, 0)
  await sleep(20)
  t.notOk(
    lines.some((line) => JSON.parse(line).level >= 50),
    'not logged as a server error',
  )
  t.ok(lines.some((line) => JSON.parse(line).res?.statusCode === 408))
})

t.test('a body that stops arriving is 408 long before the deadline', async (t) => {
  for (const sent of ['', 'all of it but the end']) {
    const begun = performance.now()
    const socket = begin('/file')
    socket.write(sent)
    t.match(String(await buffer(socket)), /^HTTP\/1.1 408 .*connection: close.*BODY_TOO_SLOW/is)
    const seconds = (performance.now() - begun) / 1000
    t.ok(seconds > 1 && seconds < 10, `${seconds} s`)
    t.strictSame(uploadedFiles(process.pid), [], 'its place is free')
  }
})

t.test('a client that begins with nothing but headers is 408 as well', async (t) => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(
    `POST /file HTTP/1.1\r\nhost: x\r\ncontent-type: ${TYPE}\r\ncontent-length: 99\r\n\r\n`,
  )
  t.match(String(await buffer(socket)), /^HTTP\/1.1 408 .*BODY_TOO_SLOW/is)
})

t.test('a body that arrives slowly but steadily is received', async (t) => {
  const file = 'y'.repeat(30_000)
  const socket = begin('/file', 1, HEAD.length + 3 + file.length + END.length)
  for (let at = 0; at < file.length; at += 3_000) {
    await sleep(300)
    socket.write(file.slice(at, at + 3_000))
  }
  socket.write(END)
  t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 200/)
  socket.destroy()
})

t.test('the work after the body may take longer than a body may pause', async (t) => {
  const form = new FormData()
  form.append('file', new Blob(['x']))
  const answer = await fetch(`${url}/long`, { method: 'POST', body: form })
  t.equal(answer.status, 200)
})

t.test('a client that leaves early frees its place', async (t) => {
  const sockets = Array.from({ length: 70 }, (_, account) => begin('/late', account))
  await sleep(30)
  for (const socket of sockets) socket.destroy()
  await sleep(200)
  t.strictSame(uploadedFiles(process.pid), [])
  const form = new FormData()
  form.append('file', new Blob(['x']))
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, account) =>
      fetch(`${url}/late`, {
        method: 'POST',
        headers: { 'x-account': String(account) },
        body: form,
      }),
    ),
  )
  t.strictSame([...new Set(answers.map(({ status }) => status))], [200])
})

t.test('a file that is deleted during work is 503 NO_ROOM', async (t) => {
  const form = new FormData()
  form.append('file', new Blob(['x']))
  const lost = await fetch(`${url}/lost`, { method: 'POST', body: form })
  t.equal(lost.status, 503)
  t.match(await lost.json(), { code: 'NO_ROOM' })
  const next = await fetch(`${url}/file`, { method: 'POST', body: form })
  t.equal(await next.text(), 'x')
})

t.test('uploads without an account count for the network of their address', async (t) => {
  const uploads = Array.from({ length: 12 }, (_, n) =>
    app.inject({
      method: 'POST',
      url: '/long',
      remoteAddress: `2001:db8:1:1::${n + 1}`,
      headers: { 'content-type': TYPE },
      payload: `${HEAD}abc${END}`,
    }),
  )
  const statuses = (await Promise.all(uploads)).map(({ statusCode }) => statusCode)
  t.equal(statuses.filter((status) => status === 200).length, 8)
  t.equal(statuses.filter((status) => status === 429).length, 4)
})
