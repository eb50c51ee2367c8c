import '../local/node-version.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import getPort from 'get-port'
import { type Connection, createConnection } from 'mysql2/promise'
import { startMariadb } from '../local/mariadb.ts'
import { startS3 } from '../local/s3.ts'
import { connectionOptions } from '../plugins/db/connection-options.ts'
import { HIGH_LIMITS } from '../test/high-limits.ts'
import { median } from './measure.ts'
import { SERVICE, start, stopAll } from './processes/ask.ts'
import type { Figures } from './processes/client.ts'
import { request } from './processes/requests.ts'
import { createStops } from './stops.ts'

// Measures GET /v1/users/me after a day of log-outs and after none: `npm run bench:revocations`.
// Both services run side by side, each on a database of its own, and are measured in turn. The goal is for
// the processor time of a request, which other work on the machine affects least.

const ENDED = 500_000
const GOAL = 1.1
const ROUNDS = 7
/** Seconds per measurement. */
const SECONDS = 2
const CONNECTIONS = 16

type Figure = { cost: number; p50: number }

const stops = createStops()

async function service(url: string, s3: NodeJS.ProcessEnv, prepare?: () => Promise<unknown>) {
  const env = { ...SERVICE.env, ...s3, ...HIGH_LIMITS, DATABASE_URL: url }
  // The first process applies the migrations.
  if (prepare) {
    const first = start('birdhouse.ts', env, SERVICE.args)
    await first.ask({ listen: true })
    await first.stop()
    await prepare()
  }
  const startedAt = performance.now()
  const own = start('birdhouse.ts', env, SERVICE.args)
  const { port } = await own.ask<{ port: number }>({ listen: true })
  const started = performance.now() - startedAt
  const { rss } = await own.ask<{ rss: number }>({ rss: true })
  const cpu = async () => {
    const { user, system } = await own.ask<NodeJS.CpuUsage>({ cpu: true })
    return user + system
  }
  return { port, requests: [request('GET /v1/users/me', await signUp(port))], started, rss, cpu }
}

async function signUp(port: number) {
  const response = await fetch(`http://127.0.0.1:${port}/v1/auth/sign-up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Ann', email: 'ann@example.com', password: 'xK4-tulip-row' }),
  })
  const { accessToken } = (await response.json()) as { accessToken: string }
  return { token: accessToken }
}

/** Spread over the last day: about 350 of these sessions ended within the last minute. */
const endSessions = (connection: Connection) =>
  connection.query(
    `INSERT INTO revoked_sessions (session_id, until, revoked_at)
     SELECT 1000000 + seq, NOW(3) + INTERVAL 1 + seq DIV 21000 HOUR,
       NOW(3) - INTERVAL seq * 0.1728 SECOND FROM seq_0_to_${ENDED - 1}`,
  )

async function run() {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-abuse-'))
  stops.add(() => rmSync(folder, { recursive: true, force: true }))
  const mariadb = await startMariadb({
    folder,
    port: await getPort({ host: '127.0.0.1' }),
    everyDatabase: true,
  })
  stops.add(mariadb.stop)
  const s3 = await startS3({ bucket: 'birdhouse', port: await getPort({ host: '127.0.0.1' }) })
  stops.add(s3.stop)
  const connection = await createConnection(connectionOptions({ DATABASE_URL: mariadb.url }))
  stops.add(() => connection.end())
  await connection.query('CREATE DATABASE birdhouse_quiet')
  stops.add(stopAll)
  const client = start('client.ts')
  const quiet = await service(`${mariadb.url}_quiet`, s3.settings)
  const after = await service(mariadb.url, s3.settings, () => endSessions(connection))
  const one = async ({ port, requests, cpu }: typeof quiet) => {
    const before = await cpu()
    const load = { port, requests, connections: CONNECTIONS, seconds: SECONDS }
    const { count, p50 } = await client.ask<Figures>(load)
    return { cost: ((await cpu()) - before) / count, p50 }
  }

  const [none, many]: [Figure[], Figure[]] = [[], []]
  for (let round = 0; round <= ROUNDS; round++) {
    const figures = [await one(quiet), await one(after)] as const
    if (round === 0) continue
    none.push(figures[0])
    many.push(figures[1])
    const [left, right] = figures.map(
      ({ cost, p50 }) => `${Math.round(cost)} us, p50 ${p50.toFixed(1)} ms`,
    )
    console.log(`${round}/${ROUNDS}: none ${left}; ${ENDED} ended sessions ${right}`)
  }
  const middle = (figures: Figure[], name: keyof Figure) =>
    median(figures.map((figure) => figure[name]))
  const ratio = middle(many, 'cost') / middle(none, 'cost')
  console.log(
    `start ${Math.round(quiet.started)} / ${Math.round(after.started)} ms, RSS after it ${mb(quiet.rss)} / ${mb(after.rss)} MB`,
  )
  console.log(
    `GET /v1/users/me, processor time, ${ENDED} / none: ${ratio.toFixed(3)} (p50 ${(middle(many, 'p50') / middle(none, 'p50')).toFixed(2)}), goal <= ${GOAL}: ${ratio <= GOAL ? 'reached' : 'MISSED'}`,
  )
}

const mb = (bytes: number) => Math.round(bytes / 2 ** 20)

await stops.during(run)
