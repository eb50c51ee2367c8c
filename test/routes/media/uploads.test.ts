import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { type App, call, settings, setUp, signUp } from '../../helper.ts'
import {
  formOf,
  newMedia,
  objectKeys,
  plain,
  postMedia,
  sendForm,
  uploadedFiles,
} from '../../multipart.ts'
import { photo } from '../../pictures/make.ts'
import { spawnServer } from '../../server/spawn.ts'

/** As in plugins/multipart/places.ts. */
const [AT_ONCE, OWN] = [64, 8]

const jpeg = await plain()
const HEAD = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'

/** Begins to send a file of so many bytes, or sends all of one. */
function begin(port: number, token: string, length = 100_000, file = Buffer.from('abc')) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `POST /v1/media HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
      'content-type: multipart/form-data; boundary=b\r\n' +
      `content-length: ${HEAD.length + length}\r\n\r\n${HEAD}`,
  )
  socket.write(file)
  return socket
}

/** Access tokens of accounts that need not exist, because their uploads never end. */
const tokensFor = (app: App, count: number) =>
  Array.from({ length: count }, (_, n) => app.accessTokens.issue(1_000_000 + n, 1, 600))

const until = async (is: () => boolean) => {
  for (let waits = 0; !is() && waits < 400; waits++) await sleep(5)
  return is()
}

t.test('files are on disk only while they are processed', async (t) => {
  const app = await setUp(t)
  const port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
  const user = await signUp(app, 'Uploads')
  const files = () => uploadedFiles(process.pid)
  await newMedia(app, user, jpeg)
  t.strictSame(files(), [])
  const before = await objectKeys(app)
  for (const bytes of [
    Buffer.from('hello'),
    jpeg.subarray(0, 200),
    Buffer.alloc(9 * 1024 * 1024),
  ]) {
    t.ok((await sendForm(app, user, formOf(bytes), 'POST /v1/media')).status >= 400)
    t.strictSame(files(), [])
  }
  const two = formOf(jpeg)
  two.append('file', new Blob(['x']))
  t.equal((await sendForm(app, user, two, 'POST /v1/media')).status, 400)
  t.strictSame(files(), [])

  const socket = begin(port, user.token)
  t.ok(await until(() => files().length === 1), 'the file is being written')
  socket.destroy()
  t.ok(await until(() => files().length === 0), 'the file is deleted when its client leaves')
  t.strictSame(await objectKeys(app), before)
  t.equal((await app.db.select().from(app.tables.media)).length, 1)
})

t.test('uploads of one account that wait leave places for others', async (t) => {
  const app = await setUp(t)
  const port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
  const [many, other] = [await signUp(app, 'Many'), await signUp(app, 'Other')]
  let refused = 0
  const sockets = Array.from({ length: AT_ONCE }, () =>
    begin(port, many.token).on('data', (answer) => {
      t.match(String(answer), /^HTTP\/1.1 429 .*retry-after: \d+.*TOO_MANY_OWN_UPLOADS/is)
      refused++
    }),
  )
  t.ok(await until(() => refused === AT_ONCE - OWN))
  t.equal(uploadedFiles(process.pid).length, OWN)
  t.equal((await newMedia(app, other, jpeg)).width, 40)
  t.equal((await postMedia(app, many, jpeg)).body.code, 'TOO_MANY_OWN_UPLOADS')
  for (const socket of sockets) socket.destroy()
  t.ok(await until(() => uploadedFiles(process.pid).length === 0))
  t.equal((await newMedia(app, many, jpeg)).width, 40, 'its places are free again')
})

t.test('accounts with many uploads leave places for accounts with none', async (t) => {
  const app = await setUp(t)
  const port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
  const honest = await signUp(app, 'Honest')
  let refused = 0
  const sockets = tokensFor(app, 10).flatMap((token) =>
    Array.from({ length: OWN }, () => begin(port, token).on('data', () => refused++)),
  )
  t.ok(await until(() => refused + uploadedFiles(process.pid).length === sockets.length))
  t.ok(refused > 10 * OWN - AT_ONCE, 'more than do not fit')
  t.equal((await newMedia(app, honest, jpeg)).width, 40)
  for (const socket of sockets) socket.destroy()
  t.ok(await until(() => uploadedFiles(process.pid).length === 0))
})

t.test('above the limit, an upload is rejected before its body is read', async (t) => {
  const app = await setUp(t)
  const port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
  const user = await signUp(app, 'Many')
  const sockets = tokensFor(app, AT_ONCE).map((token) => begin(port, token))
  t.ok(await until(() => uploadedFiles(process.pid).length === AT_ONCE))

  const next = begin(port, user.token, 8_000_000)
  const [answer] = await once(next, 'data')
  t.match(String(answer), /^HTTP\/1.1 503 .*retry-after: \d+.*TOO_MANY_UPLOADS/is)
  next.destroy()
  t.equal((await call(app, 'GET /v1/users/me', { as: user })).status, 200, 'the rest works')
  sockets[0]?.destroy()
  t.ok(await until(() => uploadedFiles(process.pid).length === AT_ONCE - 1))
  t.equal((await newMedia(app, user, jpeg)).width, 40, 'a finished upload admits another')
  for (const socket of sockets) socket.destroy()
  t.ok(await until(() => uploadedFiles(process.pid).length === 0))
})

t.test('a queued picture is not processed after its client has gone', async (t) => {
  const app = await setUp(t)
  const port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
  const user = await signUp(app, 'Gone')
  const slow = await (await photo(4000, 3000)).jpeg({ quality: 92 }).toBuffer()
  const first = [newMedia(app, user, slow), newMedia(app, user, slow)]
  t.ok(await until(() => uploadedFiles(process.pid).length === 2))

  const whole = Buffer.concat([jpeg, Buffer.from('\r\n--b--\r\n')])
  const socket = begin(port, user.token, whole.length, whole)
  t.ok(await until(() => uploadedFiles(process.pid).length === 3))
  await sleep(100)
  socket.destroy()
  const made = await Promise.all(first)
  t.ok(await until(() => uploadedFiles(process.pid).length === 0))
  t.equal((await objectKeys(app)).length, 3 * made.length)
  t.equal((await app.db.select().from(app.tables.media)).length, made.length)
})

t.test('a start deletes the files of a killed process', async (t) => {
  const env = await settings(t)
  const server = await spawnServer(t, env)
  await server.ready()
  const body = { name: 'Killed', email: 'killed@example.com', password: 'correct horse' }
  const response = await fetch(`${server.url}/v1/auth/sign-up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const { accessToken } = (await response.json()) as { accessToken: string }
  const socket = begin(server.port, accessToken)
  const pid = server.child.pid ?? 0
  t.ok(await until(() => uploadedFiles(pid).length === 1))
  server.child.kill('SIGKILL')
  await server.exited
  socket.destroy()
  t.equal(uploadedFiles(pid).length, 1, 'nobody could remove it')
  await setUp(t, env)
  t.strictSame(uploadedFiles(pid), [])
})
