import { createServer } from 'node:net'
import { join } from 'node:path'
import getPort from 'get-port'
import { createConnection } from 'mysql2/promise'
import { test } from 'tap'
import { startMariadb } from '../../local/mariadb.ts'
import { startS3 } from '../../local/s3.ts'
import { temporaryFolder } from '../server/spawn.ts'

const SERVERS = 6

test('simultaneous databases choose different ports', async (t) => {
  const folder = temporaryFolder(t)
  const port = await getPort({ host: '127.0.0.1' })
  const servers = await Promise.all(
    Array.from({ length: SERVERS }, (_, n) =>
      startMariadb({ folder: join(folder, String(n)), volatile: true, port, onStop: t.teardown }),
    ),
  )
  t.equal(new Set(servers.map(({ port }) => port)).size, SERVERS, 'each has a port of its own')
  for (const [n, { url }] of servers.entries()) {
    const connection = await createConnection(url)
    const [rows] = await connection.query('SELECT @@datadir AS folder')
    t.match(rows, [{ folder: join(folder, String(n), 'data/') }], 'its address leads to it')
    await connection.end()
  }
})

test('an object store chooses another port if its port is taken', async (t) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const address = other.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const stores = await Promise.all([1, 2].map(() => startS3({ bucket: 'birdhouse', port })))
  for (const { stop } of stores) t.teardown(stop)
  const endpoints = stores.map(({ settings }) => settings.S3_ENDPOINT)
  t.equal(new Set([...endpoints, `http://127.0.0.1:${port}`]).size, 3)
  for (const endpoint of endpoints) t.equal((await fetch(`${endpoint}/birdhouse`)).status, 403)
})
