import type { End, Write } from './client.ts'

// Requests that no HTTP client sends. `{token}` is replaced by the token of a person.

/** The text of a tweet that only a smuggled request would write. */
export const SMUGGLED = 'smuggled by a hidden request'

export type Shape = {
  writes: Write[]
  end?: End
  /** Answers to wait for; the server may close the connection instead. */
  answers?: number
  /** The statuses that must come, in this order. */
  statuses?: number[]
}

const HOST = 'Host: localhost\r\n'
const AUTH = 'Authorization: Bearer {token}\r\n'
const JSON_TYPE = 'Content-Type: application/json\r\n'

const post = (body: string, headers = '', path = '/v1/tweets') =>
  `POST ${path} HTTP/1.1\r\n${HOST}${AUTH}${JSON_TYPE}${headers}\r\n${body}`

const hidden = post(
  JSON.stringify({ text: SMUGGLED }),
  `Content-Length: ${JSON.stringify({ text: SMUGGLED }).length}\r\n`,
)
const tweeting = JSON.stringify({ text: 'raw' })
const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\n${HOST}${headers}\r\n`

/** Headers that two servers in a row may read differently. In each, a hidden request follows a body of five bytes. */
const AMBIGUOUS = [
  'Content-Length: {all}\r\nTransfer-Encoding: chunked\r\n',
  'Transfer-Encoding: chunked\r\nContent-Length: {all}\r\n',
  'Content-Length: 5\r\nContent-Length: {all}\r\n',
  'Content-Length: {all}\r\nContent-Length: 5\r\n',
  'Content-Length: +5\r\n',
  'Content-Length: 0x5\r\n',
  'Content-Length: -5\r\n',
  'Content-Length: 5 5\r\n',
  'Content-Length: 5, {all}\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Content-Length : 5\r\n',
  'Content-Length:\r\n 5\r\n',
  'Content-Length: 5\n',
  'Content-Length: 5\0\r\n',
  'Transfer-Encoding : chunked\r\n',
  'Transfer-Encoding: xchunked\r\n',
  'Transfer-Encoding: chunked, identity\r\n',
  'Transfer-Encoding: identity, chunked, identity\r\n',
  'Transfer-Encoding:\x0bchunked\r\n',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
  'Transfer-Encoding: "chunked"\r\n',
  'X: y\rTransfer-Encoding: chunked\r\n',
  'Transfer-Encoding\r\n: chunked\r\n',
]

/** Chunked bodies that are not well-formed; a hidden request follows. */
const BAD_CHUNKS = [
  '5x\r\nhello\r\n0\r\n\r\n',
  '0x5\r\nhello\r\n0\r\n\r\n',
  '-5\r\nhello\r\n0\r\n\r\n',
  'FFFFFFFFFFFFFFFFF1\r\nhello\r\n0\r\n\r\n',
  '5\nhello\r\n0\r\n\r\n',
  '5\r\nhelloX\r\n0\r\n\r\n',
  '5;\n\r\nhello\r\n0\r\n\r\n',
  '\r\n5\r\nhello\r\n0\r\n\r\n',
  `5;${'e'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`,
  '5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\n\r\n',
]

const smuggling = (header: string): Shape => ({
  writes: [
    post(
      `0\r\n\r\n${hidden}`,
      header.replaceAll('{all}', String(hidden.length + 5)).replace('{token}', ''),
    ),
  ],
  answers: 1,
})

const badChunks = (chunks: string): Shape => ({
  writes: [post(`${chunks}${hidden}`, 'Transfer-Encoding: chunked\r\n')],
  answers: 1,
})

/** Not HTTP/1.1, or not of its usual form. */
const ODD = [
  'GET /livez\r\n\r\n',
  'GET /livez HTTP/1.0\r\n\r\n',
  'GET /livez HTTP/1.1\r\n\r\n',
  'GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'GET /livez HTTP/3.0\r\nHost: a\r\n\r\n',
  'GET  /livez HTTP/1.1\r\nHost: a\r\n\r\n',
  'get /livez HTTP/1.1\r\nHost: a\r\n\r\n',
  `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
  `GET http://localhost/livez HTTP/1.1\r\n${HOST}\r\n`,
  `GET http://other.example/v1/users/me HTTP/1.1\r\n${HOST}${AUTH}\r\n`,
  `GET //other.example/%2e%2e/livez HTTP/1.1\r\n${HOST}\r\n`,
  `GET /v1/users/\xff\xfe HTTP/1.1\r\n${HOST}\r\n`,
  `GET /v1/users/1\0 HTTP/1.1\r\n${HOST}\r\n`,
  `GET /v1/tweets?cursor=\xc3\x28 HTTP/1.1\r\n${HOST}\r\n`,
  `GET /%ED%A0%80 HTTP/1.1\r\n${HOST}\r\n`,
  `CONNECT other.example:443 HTTP/1.1\r\n${HOST}\r\n`,
  `TRACE /livez HTTP/1.1\r\n${HOST}X: secret\r\n\r\n`,
  `GET /livez HTTP/1.1\r\n${HOST}Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
  `GET /v1/live HTTP/1.1\r\n${HOST}${AUTH}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
  '\0\0\0\0\0\0\0\0\r\n\r\n',
  'SSH-2.0-OpenSSH_9.2\r\n\r\n',
  '\r\n\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n',
  post(tweeting, 'Content-Length: 14\r\nExpect: nonsense\r\n'),
  post(tweeting, 'Content-Length: 14\r\nExpect: 100-continue\r\n'),
  post(tweeting, 'Content-Length: 14\r\nContent-Encoding: gzip\r\n'),
  `GET /v1/tweets HTTP/1.1\r\n${HOST}${AUTH}Content-Length: 5\r\n\r\nhello`,
  `HEAD /v1/users/me HTTP/1.1\r\n${HOST}${AUTH}\r\n`,
  `GET /livez HTTP/1.1\r\n${HOST}Connection: close, keep-alive, x\r\nTE: trailers\r\n\r\n`,
  `GET /livez HTTP/1.1\r\n${HOST}X-Forwarded-For: ${'1.1.1.1, '.repeat(300)}\r\nX-Request-Id: \x1b[2J\r\n\r\n`,
]

const HUGE = [
  get('/livez', `X: ${'x'.repeat(20_000)}\r\n`),
  get('/livez', `X: ${'x'.repeat(500_000)}\r\n`),
  get('/livez', `${'x'.repeat(20_000)}: 1\r\n`),
  get('/livez', 'X: 1\r\n'.repeat(3_000)),
  get('/livez', `Cookie: ${'a=b; '.repeat(2_000)}\r\n`),
  get(`/${'x'.repeat(15_000)}`),
  get(`/v1/tweets?cursor=${'x'.repeat(200_000)}`),
  get('/v1/users/me', `Authorization: Bearer ${'x'.repeat(15_000)}\r\n`),
  post(`{"text":"${'x'.repeat(900_000)}"}`, 'Content-Length: 900011\r\n'),
]

/** Bodies whose rest never comes: the server must end these connections, see `isStall`. */
const STALLS = [
  'POST /v1/tweets HTTP/1.1\r\nHo',
  post('{"te', 'Content-Length: 14\r\n'),
  post('5\r\n{"te', 'Transfer-Encoding: chunked\r\n'),
  post(
    '--b\r\n',
    'Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000\r\n',
  ).replace(JSON_TYPE, ''),
]

const upload = `POST /v1/media HTTP/1.1\r\n${HOST}${AUTH}Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000\r\n\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n${'x'.repeat(400)}`
const CUT = [post(tweeting, 'Content-Length: 14\r\n'), upload, get('/v1/timeline', AUTH)]

/** Requests that are left after a part of their bytes. */
const cut = (text: string, part: number, end: End): Shape => ({
  writes: [text.slice(0, Math.ceil(text.length * part))],
  end,
})

const slow = (text: string, pieces: number): Shape => ({
  writes: Array.from({ length: pieces }, (_, n) => {
    const size = Math.ceil(text.length / pieces)
    return [text.slice(n * size, (n + 1) * size), 40]
  }).flat(),
  answers: 1,
})

/** Many requests at once; the answers come in the order of the requests. */
const pipelined = (count: number): Shape => ({
  writes: [Array.from({ length: count }, (_, n) => get(n % 2 ? '/v1/none' : '/livez')).join('')],
  answers: count,
  statuses: Array.from({ length: count }, (_, n) => (n % 2 ? 404 : 200)),
})

const named = (name: string, texts: string[]) =>
  texts.map((text, n): [string, Shape] => [`${name} ${n}`, { writes: [text], answers: 1 }])

/** Every shape by its name; the name stands in scripts. */
export const SHAPES: Record<string, Shape> = Object.fromEntries([
  ...AMBIGUOUS.map((header, n): [string, Shape] => [`smuggling ${n}`, smuggling(header)]),
  ...BAD_CHUNKS.map((chunks, n): [string, Shape] => [`bad chunks ${n}`, badChunks(chunks)]),
  ...named('odd', ODD),
  ...named('huge', HUGE),
  ...STALLS.map((text, n): [string, Shape] => [`stall ${n}`, { writes: [text], answers: 1 }]),
  ...CUT.flatMap((text, n) =>
    [0.1, 0.5, 0.9, 1].flatMap((part): [string, Shape][] => [
      [`reset ${n} at ${part}`, cut(text, part, 'reset')],
      [`half-close ${n} at ${part}`, cut(text, part, 'half-close')],
    ]),
  ),
  ['slow body', slow(post(tweeting, 'Content-Length: 14\r\n'), 12)],
  ['slow head', slow(get('/v1/timeline', AUTH), 20)],
  ...[2, 10, 60].map((count): [string, Shape] => [`pipelined ${count}`, pipelined(count)]),
])

/** Shapes that keep a connection until the server gives up on it. */
export const isStall = (name: string) => name.startsWith('stall')
