import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { deflateSync } from 'node:zlib'
import { chunk, photo, plain } from '../../test/pictures/make.ts'
import type { Outcome, Scenario } from './scenario.ts'

/** Uploads of a person in a round, one after the other. */
const UPLOADS = 3
/** Milliseconds that a person waits for an answer. */
const PATIENCE = 30_000
const HOME = '127.0.0.2'
const TYPE = 'multipart/form-data; boundary=b'

type Account = { token: string; id: number }
type Attack = (base: string, attacker: Account, signal: AbortSignal) => Promise<Outcome>

async function signUp(base: string): Promise<Account> {
  const email = `${crypto.randomUUID()}@example.com`
  const answer = await fetch(`${base}/v1/auth/sign-up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Bench', email, password: 'correct horse battery' }),
  })
  const { accessToken, user } = (await answer.json()) as { accessToken: string; user: Account }
  return { token: accessToken, id: user.id }
}

async function note(outcome: Outcome, send: () => Promise<Response>, signal?: AbortSignal) {
  const begun = performance.now()
  const status = await send()
    .then(async (answer) => {
      await answer.arrayBuffer()
      return `${Math.floor(answer.status / 100)}xx`
    })
    .catch(() => 'closed')
  if (signal?.aborted) return
  outcome.latencies.push(performance.now() - begun)
  outcome.answers[status] = (outcome.answers[status] ?? 0) + 1
}

function upload(base: string, token: string, bytes: Buffer, signal: AbortSignal) {
  const body = new FormData()
  body.append('file', new Blob([new Uint8Array(bytes)]))
  const headers = { authorization: `Bearer ${token}` }
  return fetch(`${base}/v1/media`, { method: 'POST', headers, body, signal })
}

/** The upload of a person, who has another address than the attacker, since addresses have limits. */
async function uploadFromHome(base: string, token: string, bytes: Buffer) {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(bytes)]))
  const encoded = new Response(form)
  const sent = request(`${base}/v1/media`, {
    method: 'POST',
    localAddress: HOME,
    signal: AbortSignal.timeout(PATIENCE),
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': encoded.headers.get('content-type') ?? '',
    },
  })
  sent.end(Buffer.from(await encoded.arrayBuffer()))
  const [{ statusCode = 0 }] = (await once(sent, 'response')) as [IncomingMessage]
  sent.destroy()
  return new Response(null, { status: statusCode })
}

/** So many at a time, again and again. */
async function repeat(count: number, send: () => Promise<Response>, signal: AbortSignal) {
  const outcome: Outcome = { latencies: [], answers: {} }
  const one = async () => {
    while (!signal.aborted) {
      await note(outcome, send, signal)
      await sleep(20)
    }
  }
  await Promise.all(Array.from({ length: count }, one))
  return outcome
}

const tenAtOnce =
  (make: () => Promise<Buffer>): Attack =>
  async (base, { token }, signal) => {
    const bytes = await make()
    return repeat(10, () => upload(base, token, bytes, signal), signal)
  }

/** 1 x 50,000,000 pixels of one byte, each row behind a byte for its filter. */
async function bomb() {
  const header = Buffer.from('00000001000000000800000000', 'hex')
  header.writeUInt32BE(50_000_000, 4)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(100_000_000))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

const stall: Attack = async (base, { token }, signal) => {
  const { hostname, port } = new URL(base)
  const head = `POST /v1/media HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: ${TYPE}\r\ncontent-length: 99999\r\n\r\n`
  const sockets = Array.from({ length: 64 }, () => {
    const socket = connect(Number(port), hostname).on('error', () => {})
    socket.write(head)
    return socket
  })
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  for (const socket of sockets) socket.destroy()
  return { latencies: [], answers: {} }
}

const readFlat: Attack = async (base, { token, id }, signal) => {
  const form = new FormData()
  const picture = await plain(1, 1, 'red').png().toBuffer()
  form.append('profile-pic', new Blob([new Uint8Array(picture)]), 'a.png')
  const headers = { authorization: token }
  await fetch(`${base}/profile-picture/local`, { method: 'POST', headers, body: form })
  return repeat(200, () => fetch(`${base}/profile-picture/local/${id}`, { signal }), signal)
}

const scenario = (name: string, title: string, attack: Attack): Scenario => ({
  name,
  title,
  async prepare({ port }) {
    const base = `http://127.0.0.1:${port}`
    const [attacker, person] = [await signUp(base), await signUp(base)]
    const picture = await plain(1, 1, 'red').png().toBuffer()
    return {
      async honest() {
        const outcome: Outcome = { latencies: [], answers: {} }
        for (let n = 0; n < UPLOADS; n++)
          await note(outcome, () => uploadFromHome(base, person.token, picture))
        return outcome
      },
      attack: (signal) => attack(base, attacker, signal),
    }
  },
})

export default [
  scenario('uploads-stalled', '64 uploads of one account send headers and wait', stall),
  scenario('uploads-bombs', '10 uploads at a time of a PNG of 1 x 50,000,000', tenAtOnce(bomb)),
  scenario(
    'uploads-large',
    '10 uploads at a time of a JPEG of 12 megapixels',
    tenAtOnce(async () => (await photo(4000, 3000)).jpeg({ quality: 92 }).toBuffer()),
  ),
  scenario('pictures-flat', '200 connections read a picture through the flat API', readFlat),
]
