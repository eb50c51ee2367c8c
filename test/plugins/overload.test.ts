import t from 'tap'
import { call, setUp } from '../helper.ts'

const MOST = 3
const app = await setUp(t, { MAX_REQUESTS: String(MOST) })

t.test('above the bound requests are refused at once, and served again later', async (t) => {
  const connection = await app.mysql.pool.getConnection()
  await connection.query('LOCK TABLES users WRITE, tweets WRITE')
  const held = Array.from({ length: MOST }, () => call(app, 'GET /v1/users/999999'))
  while ((await call(app, 'GET /v1/nothing')).status !== 503) await new Promise(setImmediate)
  const begun = performance.now()
  const refused = await call(app, 'GET /v1/users/999999')
  t.match(refused, {
    status: 503,
    headers: { 'retry-after': '2', 'content-type': /problem\+json/ },
    body: { code: 'OVERLOADED' },
  })
  t.ok(performance.now() - begun < 1_000, 'at once')
  t.equal((await call(app, 'GET /livez')).status, 200)
  t.equal((await call(app, 'GET /readyz')).status, 200)
  await connection.query('UNLOCK TABLES')
  connection.release()
  for (const { status } of await Promise.all(held)) t.equal(status, 404)
  t.equal((await call(app, 'GET /v1/users/999999')).status, 404)
})
