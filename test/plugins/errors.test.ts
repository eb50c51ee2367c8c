import { connect } from 'node:net'
import createError from '@fastify/error'
import { sql } from 'drizzle-orm'
import type { FastifyError } from 'fastify'
import Fastify from 'fastify'
import t from 'tap'
import errors from '../../plugins/errors/index.ts'
import { serializeError } from '../../plugins/errors/log.ts'
import { call, setUp, signUp } from '../helper.ts'

const app = await setUp(t)
const lines: string[] = []

// A server of its own for what no route of the real one does.
const broken = Fastify({
  logger: { level: 'info', serializers: { err: serializeError }, stream: { write: log } },
})
function log(line: string) {
  lines.push(line)
}
await broken.register(errors)
broken.get('/bug', () => {
  throw new TypeError('secret plan')
})
broken.get('/nothing', () => Promise.reject(undefined))
broken.get('/text', () => Promise.reject('secret text'))
broken.get('/odd', () => Promise.reject(Object.assign(new Error('secret'), { statusCode: 200 })))
broken.get('/known', () => {
  throw new (createError('TEAPOT', 'Short and %s.', 418))('stout')
})
broken.get('/full', () => {
  throw new (createError('TOO_BUSY', 'Too many at once; try again.', 503))()
})
broken.get('/duplicate', () =>
  app.db.insert(app.tables.users).values({
    name: 'x',
    profile: '',
    email: 'leak@example.com',
    handle: 'leak',
    passwordHash: '$argon2id$secret-hash',
  }),
)
broken.get('/wrapped', async () => {
  throw new Error('outer', {
    cause: await app.mysql.pool.query('SELECT ? FROM nowhere', ['secret value']).catch((e) => e),
  })
})
// The database itself answers with the error of that number.
broken.get<{ Params: { errno: string } }>('/database-error/:errno', ({ params }) =>
  app.transaction((tx) =>
    tx.execute(sql.raw(`SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${params.errno}`)),
  ),
)
broken.get<{ Params: { errno: string } }>('/batch-error/:errno', ({ params }) =>
  app.transaction((tx) =>
    app.batch(
      tx,
      (db) => db.execute(sql`SELECT 1`),
      (db) =>
        db.execute(
          sql.raw(`SIGNAL SQLSTATE 'HY000'
            SET MYSQL_ERRNO = ${params.errno}, MESSAGE_TEXT = 'the reason of the database'`),
        ),
    ),
  ),
)
t.teardown(() => broken.close())

t.test('an unexpected error is a 500 without its cause, with a request id', async (t) => {
  for (const path of ['/bug', '/nothing', '/text', '/odd', '/wrapped']) {
    const answer = await broken.inject(path)
    t.equal(answer.statusCode, 500, path)
    t.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
    t.notMatch(answer.body, 'secret')
    const { detail, ...problem } = answer.json()
    t.match(detail, /request id req-\w+/)
    t.strictSame(problem, {
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      code: 'INTERNAL_ERROR',
    })
  }
  t.match(lines.join(), 'secret plan', 'the log has the cause')
})

t.test('an error of a service keeps its code', async (t) => {
  const answer = await broken.inject('/known')
  t.strictSame(answer.json(), {
    type: 'about:blank',
    title: "I'm a Teapot",
    status: 418,
    detail: 'Short and stout.',
    code: 'TEAPOT',
  })
})

t.test('an overloaded database is a 503 with Retry-After', async (t) => {
  const busy = ['DATABASE_BUSY', /too busy/] as const
  const unavailable = ['DATABASE_UNAVAILABLE', /cannot be reached/] as const
  const cases = {
    'a deadlock that outlives its retries': { errno: 1213, expected: busy },
    'a lock that is waited for too long': { errno: 1205, expected: busy },
    'a row that has changed since it was read': { errno: 1020, expected: busy },
    'as many connections as the server takes': { errno: 1040, expected: busy },
    'as many connections as any user may have': { errno: 1203, expected: busy },
    'as many connections as this user may have': { errno: 1226, expected: busy },
    'a cluster without a primary': { errno: 1047, expected: unavailable },
    'a server that shuts down': { errno: 1053, expected: unavailable },
    'a primary that has become a replica': { errno: 1290, expected: unavailable },
    'a server that takes no writes': { errno: 1836, expected: unavailable },
    'a session that takes no writes': { errno: 1792, expected: unavailable },
    'a full table space': { errno: 1114, expected: unavailable },
    'a full disk': { errno: 1021, expected: unavailable },
    'a full disk for temporary files': { errno: 3, expected: unavailable },
    'a password that has just been changed': { errno: 1045, expected: unavailable },
  }
  for (const [name, { errno, expected }] of Object.entries(cases)) {
    const answer = await broken.inject(`/database-error/${errno}`)
    const { code, detail } = answer.json()
    t.equal(answer.statusCode, 503, name)
    t.equal(answer.headers['retry-after'], '2', name)
    t.match([code, detail], expected, name)
  }
})

t.test('a refusal under load is a short warning without a stack', async (t) => {
  for (const path of ['/full', '/database-error/1040']) {
    lines.length = 0
    t.equal((await broken.inject(path)).statusCode, 503)
    const refusals = lines.map((line) => JSON.parse(line)).filter(({ req, res }) => !req && !res)
    t.match(refusals, [{ level: 40, code: String, reason: String, msg: 'request refused' }])
    t.notMatch(lines.join(), 'stack')
    t.ok(lines.join().length < 1_000, `${lines.join().length} bytes`)
  }
})

t.test('the log has the error of the database behind a statement batch', async (t) => {
  for (const [errno, level] of [
    [1114, 40],
    [1644, 50],
  ]) {
    lines.length = 0
    await broken.inject(`/batch-error/${errno}`)
    const line = lines.map((text) => JSON.parse(text)).find((line) => line.level === level)
    t.match(JSON.stringify(line), `"errno":${errno},`)
    t.match(JSON.stringify(line), 'the reason of the database')
  }
})

t.test('the log has the query without its values', async (t) => {
  await signUp(app, 'Leak', { email: 'leak@example.com', handle: 'leak' })
  lines.length = 0
  t.equal((await broken.inject('/duplicate')).statusCode, 500)
  await broken.inject('/wrapped')
  const logged = lines.join('\n')
  t.match(logged, 'insert into `users`')
  t.match(logged, 'ER_DUP_ENTRY')
  t.match(logged, /users_(handle|email)/)
  t.match(logged, 'nowhere')
  for (const value of ['leak@example.com', "'leak'", 'secret-hash', 'secret value']) {
    t.notMatch(logged, value)
  }
  const levels = lines.map((line) => JSON.parse(line).level)
  t.equal(levels.filter((level) => level === 50).length, 2, 'a 5xx is an error')
  lines.length = 0
  await broken.inject('/known')
  t.ok(
    lines.every((line) => JSON.parse(line).level === 30),
    'a 4xx is not',
  )
})

t.test('quoted values of driver errors are not logged', async (t) => {
  const { users } = app.tables
  const email = "it's@example.com"
  await signUp(app, 'Quote', { email })
  const row = { name: 'x', profile: '', email, passwordHash: '' }
  const error = await app.db
    .insert(users)
    .values(row)
    .catch((error: FastifyError) => error)
  const text = JSON.stringify(serializeError(error as Error))
  t.match(text, 'users_email')
  t.notMatch(text, 'example.com')
})

t.test('unknown paths are 404', async (t) => {
  for (const line of [
    'GET /nowhere',
    'GET /v1/users/me/nothing?secret=1',
    'PUT /nowhere',
    'OPTIONS /v1/users/me/nothing',
  ]) {
    const { status, headers, body } = await call(app, line)
    t.equal(status, 404, line)
    t.match(headers['content-type'], 'application/problem+json')
    t.match(body, { type: 'about:blank', status: 404, code: 'ROUTE_NOT_FOUND' })
    t.notMatch(body.detail, 'secret')
  }
  for (const path of ['/v1/users/%', '/v1/users/%zz', '/v1/users/by-handle/%c3%28']) {
    const { status, headers, body } = await call(app, `GET ${path}`)
    t.equal(status, 400, path)
    t.match(headers['content-type'], 'application/problem+json', path)
    t.match(body, { status: 400, code: /^[A-Z_]+$/ })
  }
})

t.test('a 400 names each field', async (t) => {
  const { body } = await call(app, 'POST /v1/auth/sign-up', {
    body: { name: 7, email: 'x', extra: 1, handle: 'A', profile: '\u0000' },
  })
  const paths = body.errors.map(({ path }: { path: string }) => path).sort()
  t.strictSame(paths, [
    '/body/email',
    '/body/extra',
    '/body/handle',
    '/body/name',
    '/body/password',
    '/body/profile',
  ])
  for (const { path, message } of body.errors) {
    t.match(message, /^(is|must) /, path)
    t.match(body.detail, `${path} ${message}`)
  }
  const query = await call(app, 'GET /v1/tweets?limit=x&color=red')
  t.equal(query.status, 400)
  t.match(query.body.errors.map(({ path }: { path: string }) => path).sort(), [
    '/query/color',
    '/query/limit',
  ])
  const id = await call(app, 'GET /v1/users/abc')
  t.match(id.body.errors, [{ path: '/params/id' }])
})

t.test('each answer has its request id', async (t) => {
  const ids = []
  for (const line of ['GET /livez', 'GET /nowhere', 'GET /v1/users/me', 'GET /v1/users/%']) {
    const { headers } = await call(app, line)
    t.match(headers['x-request-id'], /^[0-9a-f-]{36}$/, line)
    ids.push(headers['x-request-id'])
  }
  t.equal(new Set(ids).size, ids.length)
})

t.test('malformed HTTP is rejected and the server continues', async (t) => {
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = new URL(address)
  const say = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = ''
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(text))
      socket.on('data', (chunk) => {
        answer += chunk
      })
      socket.on('close', () => resolve(answer))
      socket.on('error', reject)
    })
  const headers = `x: ${'y'.repeat(20_000)}`
  t.match(await say('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /)
  t.match(await say(`GET / HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n`), /^HTTP\/1\.1 431 /)
  const wrongLength = 'POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n'
  t.match(await say(wrongLength), /^HTTP\/1\.1 400 /)
  t.equal((await fetch(`${address}/livez`)).status, 200)
})
