import { type AddressInfo, connect } from 'node:net'
import t from 'tap'
import { type App, call, setUp, signUp, type User } from '../../helper.ts'
import { newMedia, plain } from '../../multipart.ts'

const app = await setUp(t)
const user = await signUp(app, 'Bytes')

/** Bytes that are not UTF-8 (RFC 3629), each as part of a text. */
const MALFORMED = {
  'CP949, as a Korean Windows console sends': Buffer.from('b0a1b3aa', 'hex'),
  latin1: Buffer.from('pässwört', 'latin1'),
  'a sequence that is cut': Buffer.from('안').subarray(0, 2),
  'an overlong slash': Buffer.from('c0af', 'hex'),
  'surrogates in CESU-8': Buffer.from('eda0bdedb080', 'hex'),
  'a code point above U+10FFFF': Buffer.from('f4908080', 'hex'),
  'a lone continuation byte': Buffer.from('80', 'hex'),
}

type Sent = { body: Buffer; type?: string; as?: User | undefined }

const send = (app: App, line: string, { body, type = 'application/json', as }: Sent) => {
  const [method, url] = line.split(' ') as ['POST', string]
  const headers = {
    'content-type': type,
    ...(as && { authorization: `Bearer ${as.token}` }),
  }
  return app.inject({ method, url, headers, payload: body })
}

const json = (before: string, bytes: Buffer, after: string) =>
  Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)])

t.test('a JSON body that is not UTF-8 is 400, and nothing is written', async (t) => {
  for (const [label, bytes] of Object.entries(MALFORMED)) {
    const answer = await send(app, 'POST /v1/tweets', {
      body: json('{"text":"', bytes, '"}'),
      as: user,
    })
    t.equal(answer.statusCode, 400, label)
    t.match(answer.headers['content-type'], 'application/problem+json', label)
    t.match(answer.json(), { code: 'INVALID_UTF8', detail: /UTF-8/ }, label)
  }
  t.strictSame((await call(app, `GET /v1/users/${user.id}/tweets`)).body.items, [])
})

t.test(
  'over a socket, in chunks that split characters, only malformed UTF-8 is refused',
  async (t) => {
    const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
    const post = (text: Buffer) => {
      const body = json('{"text":"', text, '"}')
      const head =
        `POST /v1/tweets HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n` +
        `authorization: Bearer ${user.token}\r\ncontent-type: application/json\r\n\r\n`
      const chunks = [...body].map((byte) =>
        Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]),
      )
      const request = Buffer.concat([Buffer.from(head), ...chunks, Buffer.from('0\r\n\r\n')])
      return new Promise<string>((resolve) => {
        let answer = ''
        const socket = connect(Number(port), '127.0.0.1', () => socket.write(request))
        socket.on('data', (data) => {
          answer += data
        })
        socket.on('close', () => resolve(answer))
      })
    }
    t.match(await post(Buffer.from('안녕 🐦')), /^HTTP\/1\.1 201 .*안녕 🐦/s)
    t.match(await post(Buffer.from('b0a1', 'hex')), /^HTTP\/1\.1 400 .*INVALID_UTF8/s)
  },
)

t.test('two passwords in latin1 do not open the same account', async (t) => {
  const body = (password: string) =>
    Buffer.from(`{"name":"x","email":"latin@example.com","password":"${password}"}`, 'latin1')
  const signedUp = await send(app, 'POST /v1/auth/sign-up', { body: body('pässwört') })
  t.equal(signedUp.statusCode, 400)
  const login = Buffer.from('{"email":"latin@example.com","password":"pösswärt"}', 'latin1')
  t.equal((await send(app, 'POST /v1/auth/login', { body: login })).statusCode, 400)
  const flat = Buffer.from(
    '{"name":"x","email":"latin@example.com","password":"pässwört","profile":""}',
    'latin1',
  )
  const refused = await send(app, 'POST /sign-up', { body: flat })
  t.equal(refused.statusCode, 400)
  t.match(refused.headers['content-type'], 'text/plain')
  t.match(refused.body, 'UTF-8')
})

t.test('a charset other than UTF-8 is 415; UTF-8 has many spellings', async (t) => {
  const tweet = (type: string) =>
    send(app, 'POST /v1/tweets', { body: Buffer.from('{"text":"hi"}'), type, as: user })
  for (const charset of ['euc-kr', 'ISO-8859-1', '"latin1"', 'utf-16', 'utf-8x', "'utf-8'"]) {
    const answer = await tweet(`application/json; charset=${charset}`)
    t.equal(answer.statusCode, 415, charset)
    t.match(answer.json(), { code: 'UNSUPPORTED_CHARSET', detail: /UTF-8/ }, charset)
  }
  for (const charset of ['utf-8', 'UTF8', '"utf-8"', 'Utf-8 ; q=1', 'us-ascii']) {
    t.equal((await tweet(`application/json;charset=${charset}`)).statusCode, 201, charset)
  }
})

t.test('a byte order mark before JSON is overlooked; UTF-16 is not JSON', async (t) => {
  const tweet = (body: Buffer) => send(app, 'POST /v1/tweets', { body, as: user })
  t.equal((await tweet(Buffer.from('\ufeff{"text":"marked"}'))).statusCode, 201)
  t.equal((await tweet(Buffer.from('\ufeff{"text":"hi"}', 'utf16le'))).statusCode, 400)
  t.equal((await tweet(Buffer.from('{"text":"hi"}', 'utf16le'))).statusCode, 400)
})

t.test('half of a surrogate pair, escaped, is refused wherever it stands', async (t) => {
  const cases: [string, string, string][] = [
    ['POST /v1/auth/login', '{"email":"a@b.de","password":"\\ud800 long"}', '/body/password'],
    ['POST /v1/auth/login', '{"email":"a\\uDC00@b.de","password":"x"}', '/body/email'],
    ['POST /v1/tweets', '{"text":"\\uDE00\\ud83d"}', '/body/text'],
    ['POST /v1/tweets', '{"text":"x","mediaIds":["\\udfff"]}', '/body/mediaIds/0'],
  ]
  for (const [line, body, path] of cases) {
    const answer = await send(app, line, { body: Buffer.from(body), as: user })
    t.equal(answer.statusCode, 400, body)
    t.match(answer.json(), { code: 'VALIDATION_FAILED', errors: [{ path }] }, body)
  }
  const whole = Buffer.from('{"text":"\\ud83d\\udc26 and \\\\ud800"}')
  const answer = await send(app, 'POST /v1/tweets', { body: whole, as: user })
  t.equal(answer.json().text, '🐦 and \\ud800', 'a pair, and a backslash before "ud800"')
})

t.test('a body that is nested deeply is refused, not a crash', async (t) => {
  const body = Buffer.from(`{"text":"\\ud800","deep":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)
  t.equal((await send(app, 'POST /v1/tweets', { body, as: user })).statusCode, 400)
})

t.test('text beside an uploaded file must be UTF-8, whatever its part says', async (t) => {
  const image = await plain()
  const post = (alt: Buffer, partType = '', type = 'multipart/form-data; boundary=b') => {
    const body = Buffer.concat([
      Buffer.from(`--b\r\ncontent-disposition: form-data; name="alt"\r\n${partType}\r\n`),
      alt,
      Buffer.from('\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="'),
      Buffer.from('b0a1', 'hex'),
      Buffer.from('.jpg"\r\n\r\n'),
      image,
      Buffer.from('\r\n--b--\r\n'),
    ])
    return send(app, 'POST /v1/media', { body, type, as: user })
  }
  for (const [label, bytes] of Object.entries(MALFORMED)) {
    for (const charset of ['', 'utf-8', 'euc-kr', 'iso-8859-1']) {
      const answer = await post(
        bytes,
        charset && `content-type: text/plain; charset=${charset}\r\n`,
      )
      t.equal(answer.statusCode, 400, `${label} as ${charset}`)
      t.match(answer.json(), { errors: [{ path: '/body/alt', message: /UTF-8/ }] }, label)
    }
  }
  const answer = await post(Buffer.from('나무'))
  t.equal(answer.statusCode, 201, 'the file name, here in CP949, is not read')
  t.equal(answer.json().alt, '나무')
  const charset = await post(
    Buffer.from('x'),
    '',
    'multipart/form-data; charset=euc-kr; boundary=b',
  )
  t.equal(charset.statusCode, 415)
  t.equal((await newMedia(app, user, image, '\ufffd')).alt, '\ufffd', 'U+FFFD itself is text')
})

t.test('an upload that comes in chunks is read from its first byte', async (t) => {
  const form = new FormData()
  form.append('alt', '나무')
  form.append('file', new Blob([new Uint8Array(await plain())]), 'a.jpg')
  const { body, headers } = new Response(form)
  const { port } = app.server.address() as AddressInfo
  const answer = await fetch(`http://127.0.0.1:${port}/v1/media`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${user.token}`,
      'content-type': headers.get('content-type') ?? '',
    },
    body,
    duplex: 'half',
  })
  t.equal(answer.status, 201)
  t.match(await answer.json(), { alt: '나무' })
})

t.test('the JSON body of the flat GET /view-data is read in the same way', async (t) => {
  const view = (body: Buffer, type = 'application/json') =>
    send(app, 'GET /view-data', { body, type })
  const id = Buffer.from(`{"id":${user.id}}`)
  t.equal((await view(id)).statusCode, 200)
  t.equal((await view(json('{"id":"', Buffer.from('ff', 'hex'), '"}'))).statusCode, 400)
  t.equal((await view(id, 'application/json; charset=euc-kr')).statusCode, 415)
  t.equal((await view(id, 'nonsense')).statusCode, 200, 'its clients name any type, or none')
})

t.test('headers: a key is printable ASCII, the name of a client is read as UTF-8', async (t) => {
  const key = await call(app, 'POST /v1/tweets', {
    as: user,
    body: { text: 'x' },
    headers: { 'idempotency-key': Buffer.from('키').toString('latin1') },
  })
  t.equal(key.status, 400)
  t.match(key.body.errors, [{ path: '/headers/idempotency-key' }])
  const sessionOf = async (userAgent: string) => {
    const body = { email: user.email, password: user.password }
    const headers = { 'user-agent': userAgent }
    const { accessToken } = (await call(app, 'POST /v1/auth/login', { body, headers })).body
    const sessions = await call(app, 'GET /v1/auth/sessions', { as: { token: accessToken } })
    return sessions.body.items.find(({ current }: { current: boolean }) => current).userAgent
  }
  t.equal(await sessionOf(Buffer.from('홍길동의 전화').toString('latin1')), '홍길동의 전화')
  t.equal(await sessionOf('Téléphone'), 'Téléphone', 'latin1, as headers were once')
  const cut = 'x'.repeat(254) + Buffer.from('🐦🐦').toString('latin1')
  t.equal(await sessionOf(cut), `${'x'.repeat(254)}🐦`)
})
