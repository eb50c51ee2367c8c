import '../local/node-version.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import getPort from 'get-port'
import sharp from 'sharp'
import { startMariadb } from '../local/mariadb.ts'
import { startS3 } from '../local/s3.ts'
import { HIGH_LIMITS } from '../test/high-limits.ts'
import { hang, startS3FaultProxy } from '../test/s3-fault-proxy.ts'
import { median } from './measure.ts'
import { start, stopAll } from './processes/ask.ts'
import type { Figures } from './processes/client.ts'
import { request } from './processes/requests.ts'
import { createStops } from './stops.ts'

// Measures reads of tweets while profile pictures are uploaded to a hanging store and to a working store:
// `npm run bench:outage`. The service and the client have a process each; the stores run in this one.

const GOAL = 2
const ROUNDS = 3
/** Seconds per measurement; longer than the time-out of calls to a hanging store. */
const SECONDS = 12
const TWEETS = 200
/** Connections of readers; uploads per second, even while earlier uploads are in progress. */
const READERS = 4
const UPLOADS = 4

const stops = createStops()

async function post(port: number, path: string, body: object, token = '') {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(await response.text())
  // The routes below answer with these fields.
  return (await response.json()) as { id: number; accessToken: string }
}

async function populate(port: number) {
  const person = { name: 'Ann', email: 'ann@example.com', password: 'correct horse battery' }
  const { accessToken } = await post(port, '/v1/auth/sign-up', person)
  const requests: string[] = []
  for (let n = 0; n < TWEETS; n++) {
    const { id } = await post(port, '/v1/tweets', { text: `tweet ${n}` }, accessToken)
    requests.push(request(`GET /v1/tweets/${id}`))
  }
  return { token: accessToken, requests }
}

/** Uploads at a steady pace until stopped; returns the number of answers by status. */
function uploadTo(port: number, token: string, picture: Buffer) {
  const answers: Record<string, number> = {}
  const upload = async () => {
    const body = new FormData()
    body.append('file', new Blob([new Uint8Array(picture)]))
    const headers = { authorization: `Bearer ${token}` }
    const url = `http://127.0.0.1:${port}/v1/users/me/avatar`
    const { status } = await fetch(url, { method: 'PUT', headers, body })
    answers[status] = (answers[status] ?? 0) + 1
  }
  const uploads: Promise<void>[] = []
  const timer = setInterval(() => uploads.push(upload()), 1000 / UPLOADS)
  return async () => {
    clearInterval(timer)
    await Promise.all(uploads)
    return answers
  }
}

async function run() {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-outage-'))
  stops.add(() => rmSync(folder, { recursive: true, force: true }))
  const mariadb = await startMariadb({ folder, port: await getPort({ host: '127.0.0.1' }) })
  stops.add(mariadb.stop)
  const s3 = await startS3({ bucket: 'birdhouse', port: await getPort({ host: '127.0.0.1' }) })
  stops.add(s3.stop)
  const front = await startS3FaultProxy(
    { teardown: (stop) => stops.add(stop) },
    s3.settings.S3_ENDPOINT,
  )
  stops.add(stopAll)
  const service = start('birdhouse.ts', {
    ...s3.settings,
    ...HIGH_LIMITS,
    S3_ENDPOINT: front.url,
    DATABASE_URL: mariadb.url,
    LOG_LEVEL: 'silent',
  })
  const client = start('client.ts')
  const { port } = await service.ask<{ port: number }>({ listen: true })
  const { token, requests } = await populate(port)
  const picture = await sharp({
    create: {
      width: 1_600,
      height: 1_200,
      channels: 3,
      background: 'grey',
      noise: { type: 'gaussian', mean: 128, sigma: 30 },
    },
  })
    .jpeg()
    .toBuffer()
  const read = (seconds: number) =>
    client.ask<Figures>({ port, requests, connections: READERS, seconds })

  async function underUploads(hanging: boolean) {
    front.misbehave(hanging ? hang : undefined)
    const stop = uploadTo(port, token, picture)
    const { p99, rate } = await read(SECONDS)
    const answers = await stop()
    front.misbehave()
    await sleep(3_000)
    console.log(
      `${hanging ? 'hanging' : 'working'}: p99 ${p99.toFixed(1)} ms, ${Math.round(rate)} tweets/s, uploads answered ${JSON.stringify(answers)}`,
    )
    return p99
  }

  await read(3)
  console.log(`without uploads: p99 ${(await read(SECONDS)).p99.toFixed(1)} ms`)
  const [working, hanging]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    working.push(await underUploads(false))
    hanging.push(await underUploads(true))
  }
  const ratio = median(hanging) / median(working)
  const verdict = ratio <= GOAL ? 'reached' : 'MISSED'
  console.log(
    `GET /v1/tweets/:id, p99, hanging / working: ${ratio.toFixed(2)}, goal <= ${GOAL}: ${verdict}`,
  )
}

await stops.during(run)
