import '../local/node-version.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { deflateSync } from 'node:zlib'
import { startMariadb } from '../local/mariadb.ts'
import { startS3 } from '../local/s3.ts'
import { HIGH_LIMITS } from '../test/high-limits.ts'
import { chunk, photo, plain } from '../test/pictures/make.ts'
import { show } from './measure.ts'
import { SERVICE, start, stopAll } from './processes/ask.ts'

// Attacks on uploads, each beside an honest user who uploads a tiny picture. The limits of requests are out of reach.
//   node bench/abuse-uploads.ts                       all scenarios
//   node bench/abuse-uploads.ts stalled bombs         these
//   AGAINST=../other node bench/abuse-uploads.ts      the service of another checkout

/** Seconds of each scenario, at most and without the answers that are still to come. */
const SECONDS = 8
/** Milliseconds that the honest user waits for an answer. */
const PATIENCE = 30_000

const folder = mkdtempSync(join(tmpdir(), 'birdhouse-abuse-'))
const mariadb = await startMariadb({ folder, volatile: true })
const s3 = await startS3({ bucket: 'birdhouse' })
const file = process.env.AGAINST
  ? join(resolve(process.env.AGAINST), 'bench/processes/birdhouse.ts')
  : 'birdhouse.ts'

const tiny = await plain(1, 1, 'red').png().toBuffer()
/** 1 x 50,000,000 pixels of one byte, each row behind a byte for its filter. */
function bomb() {
  const header = Buffer.from('00000001000000000800000000', 'hex')
  header.writeUInt32BE(50_000_000, 4)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(100_000_000))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

let people = 0
async function signUp(base: string) {
  const email = `${++people}-${Date.now()}@example.com`
  const answer = await fetch(`${base}/v1/auth/sign-up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Bench', email, password: 'correct horse battery' }),
  })
  const { accessToken, user } = (await answer.json()) as {
    accessToken: string
    user: { id: number }
  }
  return { token: accessToken, id: user.id }
}

async function upload(base: string, token: string, bytes: Buffer, signal: AbortSignal) {
  const body = new FormData()
  body.append('file', new Blob([new Uint8Array(bytes)]))
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${base}/v1/media`, { method: 'POST', headers, body, signal })
  await answer.text()
  return answer.status
}

type Attack = (base: string, attacker: { token: string; id: number }) => Promise<() => void>

/** Ten uploads of one account at a time, again and again. */
const many =
  (make: () => Promise<Buffer>): Attack =>
  async (base, { token }) => {
    const bytes = await make()
    const end = new AbortController()
    const repeat = async () => {
      while (!end.signal.aborted) {
        await upload(base, token, bytes, end.signal).catch(() => {})
        await sleep(20)
      }
    }
    for (let n = 0; n < 10; n++) void repeat()
    return () => end.abort()
  }

const scenarios: Record<string, Attack> = {
  idle: async () => () => {},
  stalled: async (base, { token }) => {
    const { hostname, port } = new URL(base)
    const sockets: Socket[] = Array.from({ length: 64 }, () => {
      const socket = connect(Number(port), hostname).on('error', () => {})
      socket.write(
        `POST /v1/media HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 99999\r\n\r\n`,
      )
      return socket
    })
    return () => {
      for (const socket of sockets) socket.destroy()
    }
  },
  bombs: many(async () => bomb()),
  large: many(async () => (await photo(4000, 3000)).jpeg({ quality: 92 }).toBuffer()),
  flat: async (base, { token, id }) => {
    const form = new FormData()
    form.append('profile-pic', new Blob([new Uint8Array(tiny)]), 'a.png')
    const headers = { authorization: token }
    await fetch(`${base}/profile-picture/local`, { method: 'POST', headers, body: form })
    const end = new AbortController()
    const repeat = async () => {
      while (!end.signal.aborted) {
        await fetch(`${base}/profile-picture/local/${id}`, { signal: end.signal })
          .then((answer) => answer.arrayBuffer())
          .catch(() => sleep(5))
      }
    }
    for (let n = 0; n < 200; n++) void repeat()
    return () => end.abort()
  },
}

async function measure(name: string, attack: Attack) {
  const service = start(
    file,
    {
      ...SERVICE.env,
      ...HIGH_LIMITS,
      LOG_LEVEL: 'silent',
      DATABASE_URL: mariadb.url,
      ...s3.settings,
    },
    SERVICE.args,
  )
  const { port } = await service.ask<{ port: number }>({})
  const base = `http://127.0.0.1:${port}`
  const [attacker, honest] = [await signUp(base), await signUp(base)]
  const stop = await attack(base, attacker)
  await sleep(500)
  const waits: number[] = []
  let refused = 0
  const end = performance.now() + SECONDS * 1000
  while (performance.now() < end) {
    const begin = performance.now()
    const patience = AbortSignal.timeout(PATIENCE)
    const status = await upload(base, honest.token, tiny, patience).catch(() => 0)
    if (status === 201) waits.push(performance.now() - begin)
    else refused++
    await sleep(50)
  }
  stop()
  await service.stop()
  const sorted = waits.toSorted((a, b) => a - b)
  const at = (part: number) => show(sorted[Math.floor(sorted.length * part)] ?? Number.NaN)
  return { name, served: waits.length, refused, 'p50 ms': at(0.5), 'p99 ms': at(0.99) }
}

try {
  const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(scenarios)
  const rows: object[] = []
  for (const name of wanted) {
    const attack = scenarios[name]
    if (!attack) throw new Error(`No scenario is called ${name}.`)
    rows.push(await measure(name, attack))
  }
  console.table(rows)
} finally {
  await stopAll()
  await s3.stop()
  await mariadb.stop()
  rmSync(folder, { recursive: true, force: true })
}
