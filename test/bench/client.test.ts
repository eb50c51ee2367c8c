import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { start } from '../../bench/processes/ask.ts'
import type { Figures, Load } from '../../bench/processes/client.ts'
import { request } from '../../bench/processes/requests.ts'

const requests = Array.from({ length: 50 }, (_, n) => request(`GET /${n}`))

t.test('the client of the bench sends requests in the order that the load asks for', async (t) => {
  const paths: string[] = []
  const server = createServer(({ url = '' }, response) => {
    paths.push(url)
    response.setHeader('content-length', 2).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = start('client.ts')
  t.teardown(async () => {
    await client.stop()
    server.close()
  })
  const send = async (load: Partial<Load>) => {
    paths.length = 0
    const figures = await client.ask<Figures>({ port, requests, connections: 1, ...load })
    return { ...figures, paths: [...paths] }
  }
  const inOrder = requests.map((_, n) => `/${n}`)

  t.same((await send({})).paths, inOrder, 'each once')

  const first = await send({ seconds: 0.2, seed: 7 })
  const second = await send({ seconds: 0.2, seed: 7 })
  t.ok(first.count > 100, `${first.count} drawn`)
  t.same(first.paths.slice(0, 100), second.paths.slice(0, 100), 'the same draws from a seed')
  t.not(new Set(first.paths.slice(0, 50)).size, 50, 'draws repeat requests')

  const steady = { requests: [request('POST /tweet')], perSecond: 50, seed: 1 }
  const beside = await send({ seconds: 1, steady })
  const written = beside.paths.filter((path) => path === '/tweet').length
  t.ok(written > 35 && written < 60, `${written} steady requests`)
  t.ok(Math.abs((beside.steady ?? 0) - written) < 10, `${beside.steady} a second`)
  t.ok(beside.count > written, 'reads go on beside them')
})
