import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism, getPriority } from 'node:os'
import argon2 from 'argon2'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import config, { parseConfig } from '../../plugins/config/index.ts'
import errors from '../../plugins/errors/index.ts'
import features from '../../plugins/features/index.ts'
import metrics from '../../plugins/metrics/index.ts'
import plugin from '../../plugins/password.ts'
import { GOOD } from './good-settings.ts'

const app = await withPasswords()
t.teardown(() => app.close())
const { password } = app

async function withPasswords() {
  const app = Fastify()
  await app.register(errors)
  await app.register(config, { config: parseConfig(GOOD) })
  await app.register(features, { features: [], skipped: new Map() })
  await app.register(metrics, { role: 'command' })
  await app.register(plugin)
  return app
}

/** A hash that costs next to nothing to check. */
const CHEAP = { memoryCost: 8, timeCost: 2, parallelism: 1 }
const cheap = await argon2.hash('right', CHEAP)

/** Watches argon2 itself at work: the hashes it was given and how many calls overlapped. */
function watchVerify(t: Test) {
  const { verify } = argon2
  const seen = { digests: [] as string[], most: 0 }
  let atWork = 0
  const watched: typeof verify = (digest, ...rest) => {
    seen.digests.push(digest)
    seen.most = Math.max(seen.most, ++atWork)
    return verify(digest, ...rest).finally(() => atWork--)
  }
  Object.assign(argon2, { verify: watched })
  t.teardown(() => Object.assign(argon2, { verify }))
  return seen
}

t.test('a password is verified by its hash', async (t) => {
  const hash = await password.hash('correct horse')
  t.notMatch(hash, 'correct')
  t.not(await password.hash('correct horse'), hash, 'salted')
  t.equal(await password.verify('correct horse', hash), true)
  t.equal(await password.verify('Correct horse', hash), false)
  t.equal(await password.verify('', hash), false)
  t.equal(await password.verify('correct horse\u0000', hash), false)
})

t.test('without a hash, verification takes equal work and fails', async (t) => {
  const seen = watchVerify(t)
  t.equal(await password.verify('anything', undefined), false)
  t.equal(await password.verify('', undefined), false)
  const own = await password.hash('own')
  await password.verify('anything', own)
  const parameters = (digest: string | undefined) => digest?.split('$').slice(0, 4)
  t.equal(seen.digests.length, 3)
  t.strictSame(parameters(seen.digests[0]), parameters(own), 'the hash has the current parameters')
})

t.test('a hash with other parameters must be renewed', async (t) => {
  const today = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
  t.equal(password.needsRehash(await password.hash('x')), false)
  t.equal(password.needsRehash(await argon2.hash('x', today)), false)
  for (const change of [{ memoryCost: 4096 }, { timeCost: 3 }, { parallelism: 2 }]) {
    t.equal(password.needsRehash(await argon2.hash('x', { ...today, ...change })), true)
  }
  const other = await argon2.hash('x', { ...today, type: argon2.argon2i })
  t.equal(password.needsRehash(other), true, 'another variant as well')
})

t.test('many logins queue on half of the processors, and the excess is rejected', async (t) => {
  const seen = watchVerify(t)
  const storm = await Promise.allSettled(
    Array.from({ length: 400 }, () => password.verify('right', cheap)),
  )
  const served = storm.filter(({ status }) => status === 'fulfilled')
  const refused = storm.filter((one) => one.status === 'rejected')
  t.equal(seen.most, availableParallelism() < 4 ? 1 : 2)
  t.ok(served.length >= 200 && served.length <= 202, `${served.length} were served`)
  t.equal(served.length + refused.length, 400)
  t.ok(refused.every(({ reason }) => reason.code === 'TOO_BUSY'))
  t.equal(await password.verify('right', cheap), true, 'the queue is empty again')
})

t.test('rejected logins get 503 with Retry-After', async (t) => {
  const busy = await withPasswords()
  t.teardown(() => busy.close())
  busy.get('/', () => busy.password.verify('right', cheap))
  const answers = await Promise.all(Array.from({ length: 400 }, () => busy.inject('/')))
  const refused = answers.filter(({ statusCode }) => statusCode !== 200)
  t.ok(refused.length > 0)
  for (const { statusCode, headers } of refused) {
    t.equal(statusCode, 503)
    t.equal(headers['retry-after'], '2')
  }
})

t.test(
  'threads that hash passwords have a lower priority than the thread of requests',
  { skip: process.platform !== 'linux' && 'only Linux has priorities of threads' },
  async (t) => {
    const threads = readdirSync('/proc/self/task').map(Number)
    const name = (id: number) => readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()
    const pool = threads.filter((id) => name(id) === 'libuv-worker')
    t.ok(pool.length > 0)
    t.ok(getPriority() < 10, 'the tests run with a priority above the lowered one')
    t.strictSame([...new Set(pool.map(getPriority))], [10])
  },
)
