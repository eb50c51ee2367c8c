import t from 'tap'
import { fuzz } from '../fuzz/run.ts'
import { settings } from '../helper.ts'

/** `npm run fuzz` sends more. */
const REQUESTS = 1500

t.test('random requests find a service that keeps its word', async (t) => {
  const seed = Date.now() % 1_000_000
  const { failure, problems, statuses } = await fuzz({
    settings: await settings(t),
    requests: REQUESTS,
    seed,
    log: (line) => t.comment(line),
  })
  t.equal(failure, undefined, `seed ${seed}`)
  t.strictSame(problems, [])
  for (const status of [200, 201, 204, 400, 401, 403, 404, 409, 413, 415])
    t.ok(statuses[status], `${status} came up`)
})
