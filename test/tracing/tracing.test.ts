import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { settings } from '../helper.ts'
import { spawnServer } from '../server/spawn.ts'

type Attribute = { key: string; value: { stringValue?: string } }
type Span = {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  attributes: Attribute[]
  status: { code?: number }
}

const FOLDER = join(import.meta.dirname, '../../tracing')
if (!existsSync(join(FOLDER, 'node_modules')))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--prefix', FOLDER])

/** A collector that keeps the spans it receives over OTLP. */
async function startCollector(t: Test) {
  const spans: Span[] = []
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as {
      resourceSpans: { scopeSpans: { spans: Span[] }[] }[]
    }
    for (const { scopeSpans } of body.resourceSpans)
      for (const scope of scopeSpans) spans.push(...scope.spans)
    response.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, spans }
}

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

t.test('requests, statements and calls of S3 are spans of the trace of the client', async (t) => {
  const collector = await startCollector(t)
  const server = await spawnServer(t, {
    ...(await settings(t)),
    LOG_LEVEL: 'info',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  })
  await server.ready()
  const post = (path: string, init: RequestInit) =>
    fetch(server.url + path, { method: 'POST', ...init })
  const signUp = await post('/v1/auth/sign-up', {
    headers: { 'content-type': 'application/json', traceparent },
    body: JSON.stringify({ name: 'Ann', email: 'ann@example.com', password: 'xK4-tulip-row' }),
  })
  t.equal(signUp.status, 201)
  const { accessToken } = (await signUp.json()) as { accessToken: string }
  const create = { width: 8, height: 8, channels: 3, background: 'red' } as const
  const png = await sharp({ create }).png().toBuffer()
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(png)]), 'a.png')
  const upload = await post('/v1/media', {
    headers: { authorization: `Bearer ${accessToken}`, traceparent },
    body: form,
  })
  t.equal(upload.status, 201)
  await fetch(`${server.url}/livez`)

  const [, traceId] = traceparent.split('-')
  const ofTrace = () => collector.spans.filter((span) => span.traceId === traceId)
  const names = () => ofTrace().map(({ name }) => name)
  for (let i = 0; i < 100 && !names().some((name) => name.startsWith('S3')); i++) await sleep(50)
  t.ok(names().includes('POST /v1/auth/sign-up'), names().join(', '))
  t.ok(names().includes('INSERT'), 'a statement')
  t.ok(names().includes('S3.PutObject'))
  t.notOk(collector.spans.some(({ attributes }) => JSON.stringify(attributes).includes('livez')))
  t.ok(JSON.stringify(collector.spans).includes('users'), 'the text of statements')
  t.notMatch(JSON.stringify(collector.spans), /ann@example.com|argon2id|"Ann/, 'no values')
  const parents = new Set([...ofTrace().map(({ spanId }) => spanId), traceparent.split('-')[2]])
  t.ok(
    ofTrace().every(({ parentSpanId = '' }) => parents.has(parentSpanId)),
    'every span has its parent',
  )
  const lines = server
    .output()
    .split('\n')
    .filter((line) => line.includes('request completed'))
  t.match(JSON.parse(lines[0] ?? '{}'), { traceId })
})

t.test('nothing is loaded and no line has a trace id without the setting', async (t) => {
  const server = await spawnServer(t, { ...(await settings(t)), LOG_LEVEL: 'info' })
  await server.ready()
  await fetch(`${server.url}/v1/tweets`, { headers: { traceparent } })
  server.interrupt()
  await server.exited
  t.match(server.output(), 'request completed')
  t.notMatch(server.output(), '"traceId"')
})
