import '../local/node-version.ts'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMariadb } from '../local/mariadb.ts'
import { startS3 } from '../local/s3.ts'
import { HIGH_LIMITS } from '../test/high-limits.ts'
import { photo } from '../test/pictures/make.ts'
import { median, show } from './measure.ts'
import { type Row, writeMediaPage } from './media-page.ts'
import { type Kind, memoryOf, watchMemory } from './memory.ts'
import { SERVICE, start, stopAll } from './processes/ask.ts'
import { request as requestLine } from './processes/requests.ts'

// 50 simultaneous uploads of 5 MB to the service, against a bare sharp loop over the same files.
//   npm run bench:media            three rounds
//   ROUNDS=1 npm run bench:media

const UPLOADS = 50
const ROUNDS = Number(process.env.ROUNDS ?? 3)
/** Milliseconds between the requests that are sent during the uploads. */
const PACE = 20
const IDLE_SECONDS = 5

type Bare = { seconds: number }
type Latency = { p50: number; p99: number; count: number }

const folder = mkdtempSync(join(tmpdir(), 'birdhouse-bench-'))
const mariadb = await startMariadb({ folder, volatile: true })
const s3 = await startS3({ bucket: 'birdhouse' })
const settings = { DATABASE_URL: mariadb.url, ...s3.settings, ...HIGH_LIMITS }

const post = async (url: string, body: object, token = '') => {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  if (answer.status !== 201) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  // The caller states the type of the answer.
  return (await answer.json()) as { accessToken: string; id: number }
}

const BOUNDARY = 'a-photo-of-the-bench'

function bodyOf(file: string) {
  const head = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="photo.jpg"\r\ncontent-type: image/jpeg\r\n\r\n`
  return Buffer.concat([
    Buffer.from(head),
    readFileSync(file),
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ])
}

/** Sends a complete body from memory: a FormData of files uses as much CPU as the receiver. */
async function send(url: string, body: Buffer | undefined, token: string) {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
  }
  const [answer] = await once(request(url, { method: 'POST', headers }).end(body), 'response')
  answer.resume()
  if (answer.statusCode !== 201) throw new Error(`${url}: ${answer.statusCode}`)
  await once(answer, 'end')
}

/** A few different files; more would not change the time to encode them. */
async function makePhotos() {
  const files: string[] = []
  for (let seed = 0; seed < 4; seed++) {
    const file = join(folder, `${seed}.jpg`)
    await (await photo(4000, 3000, seed)).jpeg({ quality: 92 }).toFile(file)
    files.push(file)
  }
  return Array.from({ length: UPLOADS }, (_, n) => files[n % files.length] ?? '')
}

async function bareRound(files: string[], kind: Kind = 'rss') {
  const bare = start('sharp.ts')
  await bare.ask({ files: files.slice(0, 4) })
  const stop = watchMemory(bare.pid, kind)
  const { seconds } = await bare.ask<Bare>({ files })
  const memory = stop()
  await bare.stop()
  return { rate: UPLOADS / seconds, seconds, memory }
}

/** A new account for each upload, because an account may have only eight in progress. */
async function tokenOf(base: string, n: number) {
  const email = `${Date.now()}-${n}@example.com`
  const account = { name: `Uploads ${n}`, email, password: 'correct horse battery' }
  return (await post(`${base}/auth/sign-up`, account)).accessToken
}

async function serviceRound(files: string[], seconds: number, kind: Kind = 'rss') {
  const service = start('birdhouse.ts', { ...SERVICE.env, ...settings }, SERVICE.args)
  const client = start('paced.ts')
  const { port } = await service.ask<{ port: number }>({})
  const base = `http://127.0.0.1:${port}/v1`
  const name = `Bench ${Date.now()}`
  const account = { name, email: `${Date.now()}@example.com`, password: 'correct horse battery' }
  const { accessToken } = await post(`${base}/auth/sign-up`, account)
  const { id } = await post(`${base}/tweets`, { text: 'meanwhile' }, accessToken)
  const tokens = await Promise.all(files.map((_, n) => tokenOf(base, n)))
  const bodies = new Map([...new Set(files)].map((file) => [file, bodyOf(file)]))
  const upload = (file: string, n: number) =>
    send(`${base}/media`, bodies.get(file), tokens[n] ?? accessToken)
  const alone = memoryOf(service.pid)
  await Promise.all(files.slice(0, 4).map(upload))
  const pace = { port, request: requestLine(`GET /v1/tweets/${id}`), every: PACE }
  const idle = await client.ask<Latency>({ ...pace, seconds: IDLE_SECONDS })
  const stop = watchMemory(service.pid, kind)
  await service.ask({ delay: 'start' })
  const begin = performance.now()
  const busy = client.ask<Latency>({ ...pace, seconds })
  await Promise.all(files.map(upload))
  const rate = (1000 * UPLOADS) / (performance.now() - begin)
  const delay = await service.ask<{ p99: number; max: number }>({ delay: 'stop' })
  const memory = stop()
  const figures = {
    rate,
    delay: delay.p99,
    alone,
    idle: idle.p99,
    busy: (await busy).p99,
    memory,
  }
  await Promise.all([service.stop(), client.stop()])
  return figures
}

try {
  const files = await makePhotos()
  const megabytes = files.map((file) => statSync(file).size / 1e6)
  const rounds: {
    bare: Awaited<ReturnType<typeof bareRound>>
    service: Awaited<ReturnType<typeof serviceRound>>
  }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const bare = await bareRound(files)
    const service = await serviceRound(files, bare.seconds)
    console.log(`${round + 1}/${ROUNDS}`, JSON.stringify({ bare, service }))
    rounds.push({ bare, service })
  }
  const of = (value: (round: (typeof rounds)[number]) => number) => median(rounds.map(value))
  const rows: Row[] = [
    {
      title: 'Images a second, of a bare loop',
      a: of(({ service }) => service.rate),
      b: of(({ bare }) => bare.rate),
      value: of(({ bare, service }) => service.rate / bare.rate),
      goal: { atLeast: 0.8 },
    },
    {
      title: 'Memory at its peak, MB more than the bare loop (RSS, all processes)',
      a: of(({ service }) => service.memory),
      b: of(({ bare }) => bare.memory),
      value: of(({ bare, service }) => service.memory - bare.memory),
      goal: { atMost: 150 },
    },
    {
      title: 'Delay of the event loop, p99, ms',
      value: of(({ service }) => service.delay),
      goal: { atMost: 50 },
    },
    {
      title: '`GET /v1/tweets/:id` meanwhile, p99, times that of idle',
      a: of(({ service }) => service.busy),
      b: of(({ service }) => service.idle),
      value: of(({ service }) => service.busy / service.idle),
      goal: { atMost: 3 },
    },
  ]
  const alone = of(({ service }) => service.alone)
  const bare = await bareRound(files, 'pss')
  const service = await serviceRound(files, bare.seconds, 'pss')
  const shared = { service: service.memory, bare: bare.memory }
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node.js ${process.version.slice(1)}`
  const report = {
    uploads: UPLOADS,
    megabytes: median(megabytes),
    rounds: ROUNDS,
    machine,
    alone,
    shared,
    rows,
  }
  writeFileSync(join(import.meta.dirname, 'media.json'), `${JSON.stringify(report, null, 2)}\n`)
  writeMediaPage(report)
  console.table(
    rows.map(({ title, a = 0, b = 0, value }) => [title, show(a), show(b), show(value)]),
  )
} finally {
  await stopAll()
  await s3.stop()
  await mariadb.stop()
  rmSync(folder, { recursive: true, force: true })
}
