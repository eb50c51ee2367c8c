import { connect } from 'node:net'
import t from 'tap'
import { call, read, setUp, signUp, tweet } from '../../helper.ts'

const TYPES = [
  'application/json',
  'text/plain; charset=utf-8',
  'application/x-www-form-urlencoded',
  'application/octet-stream',
  'multipart/form-data; boundary=b',
  'nonsense',
  '',
]

const app = await setUp(t)
const user = await signUp(app, 'Empty')
const { id } = await tweet(app, user)
const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))

/** How a client says that there is no body; over a socket, because clients add headers. */
const FRAMINGS = {
  'no length': ['', ''],
  'length 0': ['content-length: 0\r\n', ''],
  'no chunk': ['transfer-encoding: chunked\r\n', '0\r\n\r\n'],
}

function send(line: string, type: string | undefined, [header, body]: string[]) {
  const request =
    `${line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${user.token}\r\n` +
    `${type === undefined ? '' : `content-type: ${type}\r\n`}${header}\r\n${body}`
  return new Promise<{ status: number; body: string }>((resolve) => {
    let answer = ''
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(request))
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('close', () => {
      const [head = '', body = ''] = answer.split('\r\n\r\n')
      resolve({ status: Number(head.split(' ')[1]), body })
    })
  })
}

t.test('an operation without a body takes an empty one of any type', async (t) => {
  for (const [label, framing] of Object.entries(FRAMINGS)) {
    for (const type of [...TYPES, undefined]) {
      for (const [line, status] of [
        [`PUT /v1/tweets/${id}/like`, 204],
        [`DELETE /v1/tweets/${id}/like`, 204],
        ['GET /v1/users/me', 200],
      ] as const) {
        t.equal((await send(line, type, framing)).status, status, `${line}, ${type}, ${label}`)
      }
    }
  }
})

t.test('where fields are required, an empty body is 400 and names them', async (t) => {
  for (const [label, framing] of Object.entries(FRAMINGS)) {
    for (const type of [...TYPES, undefined]) {
      const login = await send('POST /v1/auth/login', type, framing)
      t.equal(login.status, 400, `${type}, ${label}`)
      t.match(login.body, '/body/email is missing; /body/password is missing')
      const flat = await send('POST /tweet', type, framing)
      t.equal(flat.status, 400)
      t.match(flat.body, '/body/tweet is missing')
      const file = await send('POST /v1/media', type, framing)
      t.equal(file.status, 400, `a file, ${type}, ${label}`)
      t.match(file.body, 'FILE_MISSING')
    }
  }
})

t.test('where every field is optional, an empty body is an empty object', async (t) => {
  const put = (type: string | undefined, framing: string[]) =>
    send('PUT /v1/notifications/read', type, framing)
  for (const framing of Object.values(FRAMINGS)) {
    for (const type of [...TYPES, undefined]) {
      t.match(
        (await send('POST /v1/tweets', type, framing)).body,
        '/body/text must have at least one visible character',
      )
      t.match((await send('PATCH /v1/users/me', type, framing)).body, 'VALIDATION_FAILED')
      t.equal(
        (await put(type, framing)).status,
        (await put('application/json', ['content-length: 2\r\n', '{}'])).status,
      )
    }
  }
  t.equal((await call(app, 'POST /v1/auth/login', { body: null as never })).status, 400)
})

t.test('a body of another type is 415 wherever it is sent', async (t) => {
  const bodies = [
    ['content-length: 1\r\n', 'x'],
    ['transfer-encoding: chunked\r\n', '1\r\nx\r\n0\r\n\r\n'],
  ]
  for (const framing of bodies) {
    for (const type of ['text/plain', 'nonsense', '', undefined]) {
      for (const line of [`PUT /v1/tweets/${id}/like`, 'POST /v1/auth/login', 'POST /v1/media']) {
        t.equal((await send(line, type, framing)).status, 415, `${line}, ${type}`)
      }
    }
  }
})

t.test('an operation without a body ignores JSON, and refuses broken JSON', async (t) => {
  const like = (payload: string) =>
    app.inject({
      method: 'PUT',
      url: `/v1/tweets/${id}/like`,
      headers: { authorization: `Bearer ${user.token}`, 'content-type': 'application/json' },
      payload,
    })
  for (const body of ['{}', 'null', '{"some":"thing"}']) {
    t.equal((await like(body)).statusCode, 204, body)
  }
  t.equal((await like('{')).statusCode, 400)
  t.equal((await read(app, `/v1/tweets/${id}`, user)).liked, true)
})
