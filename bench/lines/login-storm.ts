import { request } from '../processes/requests.ts'
import { type Line, p99, spread } from './line.ts'

const LOGINS = 64
const PASSWORD = 'correct horse battery'
/** Seconds per measurement, so that a hundred answers are above the 99th percentile. */
const SECONDS = 5
/** Concurrent requests; more would wait for each other and not for logins. */
const READERS = 4

export default {
  name: 'login-storm',
  title: 'login storm',
  a: 'p99 of `GET /v1/tweets/:id` during 64 logins at once',
  b: 'p99 without them',
  unit: 'ms',
  goal: { atMost: 3 },
  async prepare({ service, pool, sizes, send }) {
    const { hash } = await service.ask<{ hash: string }>({ hash: PASSWORD })
    await pool.query('UPDATE users SET password_hash = ? WHERE id <= ?', [hash, LOGINS])
    const requests = spread(1_000, 1, sizes.tweets).map((id) => request(`GET /v1/tweets/${id}`))
    const logins = Array.from({ length: LOGINS }, (_, n) => {
      const body = { email: `person${n + 1}@example.com`, password: PASSWORD }
      return request('POST /v1/auth/login', { body })
    })
    const load = { port: service.port, requests, connections: READERS, seconds: SECONDS }
    return {
      a: () => p99(send({ ...load, beside: logins })),
      b: () => p99(send(load)),
      server: service,
    }
  },
} satisfies Line
