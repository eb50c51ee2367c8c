import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import argon2 from 'argon2'
import { eq, sql } from 'drizzle-orm'
import t, { type Test } from 'tap'
import { waitAfter } from '../../routes/auth/login-rules.ts'
import { type App, call, drained, runJob, setUp, signUp, type User } from '../helper.ts'

const HOME = '127.0.0.1'
const ELSEWHERE = '192.0.2.1'

type Sent = { email: string; password?: string; from?: string; url?: string }

async function login(app: App, { email, password = 'wrong', from = ELSEWHERE, url }: Sent) {
  return app.inject({
    method: 'POST',
    url: url ?? '/v1/auth/login',
    remoteAddress: from,
    payload: { email, password },
  })
}

const status = async (app: App, sent: Sent) => (await login(app, sent)).statusCode

/** The status once a refusal is not repeated any more, within a second or two. */
async function later(app: App, sent: Sent) {
  const end = performance.now() + 3_000
  for (;;) {
    const now = await status(app, sent)
    if (now !== 429 || performance.now() > end) return now
    await sleep(50)
  }
}

/** The waits of failed logins have passed. */
const pass = (app: App) => app.db.update(app.tables.loginAttempts).set({ waitUntil: sql`NOW(3)` })

/** Fails so often in a row that the next attempt must wait for 8 seconds. */
async function failEightTimes(app: App, attempt: () => Promise<number>) {
  const statuses: number[] = []
  for (let n = 0; n < 8; n++) {
    if (n > 0) await pass(app)
    statuses.push(await attempt())
  }
  return [...new Set(statuses)]
}

/** A user with a hash that costs next to nothing to check. */
async function cheapUser(app: App, name: string) {
  const user = await signUp(app, name)
  const parameters = { memoryCost: 8, timeCost: 2, parallelism: 1 }
  const { passwordHash = '' } = (await app.users.credentials({ id: user.id })) ?? {}
  await app.users.setPasswordHash(
    user.id,
    passwordHash,
    await argon2.hash(user.password, parameters),
  )
  return user
}

/** Counts the passwords that are checked; the checks still run. */
function watchVerify(t: Test, app: App) {
  const { verify } = app.password
  const seen = { count: 0 }
  app.password.verify = (...args) => {
    seen.count++
    return verify(...args)
  }
  t.teardown(() => Object.assign(app.password, { verify }))
  return seen
}

t.test('waits grow, and end at a hundred failures in a row', async (t) => {
  t.strictSame([1, 4, 5, 6, 7, 14, 15, 99].map(waitAfter), [0, 0, 1, 2, 4, 512, 900, 900])
  t.equal(waitAfter(100), 90 * 86_400)
  t.end()
})

t.test('the fifth failure in a row makes an account wait, known or not', async (t) => {
  const app = await setUp(t)
  const ann = await signUp(app, 'Ann')
  const seen = watchVerify(t, app)
  for (const email of [ann.email, 'nobody@example.com']) {
    for (let n = 0; n < 5; n++) t.equal(await status(app, { email }), 401, 'without a wait')
    await pass(app)
    for (let n = 0; n < 3; n++) {
      t.equal(await status(app, { email: email.toUpperCase() }), 401, 'after a wait')
      if (n < 2) await pass(app)
    }
    const checked = seen.count
    const refused = await login(app, { email, password: ann.password })
    t.match(refused, { statusCode: 429, headers: { 'retry-after': /^[5-8]$/ } })
    t.match(refused.json(), {
      code: 'TOO_MANY_FAILURES',
      detail: /wait [5-8] seconds, or log in from a network/,
    })
    const flat = await login(app, { email, url: '/login' })
    t.match(flat, {
      statusCode: 429,
      headers: { 'retry-after': /^[5-8]$/, 'content-type': /^text\/plain/ },
    })
    t.equal(seen.count, checked, 'no password was checked')
  }
})

t.test('nobody can compute which unknown e-mail addresses wait together', async (t) => {
  const app = await setUp(t)
  const placeOf = (email: string) => hash('sha256', email, 'buffer').readUInt32BE() % 65_536
  const [email, place] = ['nobody@example.com', placeOf('nobody@example.com')]
  let n = 0
  while (placeOf(`other${n}@example.com`) !== place) n++
  await failEightTimes(app, () => status(app, { email }))
  t.equal(await status(app, { email }), 429)
  t.equal(await status(app, { email: `other${n}@example.com` }), 401)
})

t.test('an attacker who fails a hundred times does not lock out the owner', async (t) => {
  const app = await setUp(t)
  const ann = await cheapUser(app, 'Ann')
  for (let n = 0; n < 100; n++) {
    t.equal(await status(app, { email: ann.email, from: `192.0.2.${n}` }), 401)
    if (n < 99) await pass(app)
  }
  const right = { email: ann.email, password: ann.password }
  const refused = await login(app, { ...right, from: '198.51.100.1' })
  t.equal(refused.statusCode, 429, 'the right password elsewhere')
  t.ok(Number(refused.headers['retry-after']) > 89 * 86_400)
  for (const url of ['/v1/auth/login', '/login']) {
    t.equal(await status(app, { ...right, from: HOME, url }), 200, 'at home')
  }
  t.equal(await later(app, { ...right, from: '198.51.100.1' }), 200, 'which unlocks the account')
})

t.test('a network where the account logged in before counts on its own', async (t) => {
  const app = await setUp(t)
  const ann = await signUp(app, 'Ann')
  const [email, password] = [ann.email, ann.password]
  t.equal(await status(app, { email, password, from: '2001:db8:1:1::1' }), 200)
  t.strictSame(await failEightTimes(app, () => status(app, { email, from: HOME })), [401])
  t.equal(await status(app, { email, password, from: HOME }), 429, 'failures at home')
  t.equal(await status(app, { email, password, from: '2001:db8:1:1::2' }), 200, 'the same /64')
  t.equal(await status(app, { email, password, from: '2001:db8:1:2::1' }), 200, 'anywhere else')
})

t.test('simultaneous attempts are counted before the password is checked', async (t) => {
  const app = await setUp(t)
  const ann = await signUp(app, 'Ann')
  const seen = watchVerify(t, app)
  const attempts = Array.from({ length: 40 }, (_, n) =>
    status(app, { email: ann.email, from: `192.0.2.${n}` }),
  )
  const refused = (await Promise.all(attempts)).filter((one) => one === 429)
  t.ok(seen.count >= 5 && seen.count <= 7, `${seen.count} of 40 passwords were checked`)
  t.equal(refused.length, 40 - seen.count)
})

t.test('an attempt whose password was not checked counts as none', async (t) => {
  const app = await setUp(t)
  const ann = await signUp(app, 'Ann')
  const { verify } = app.password
  app.password.verify = async () => {
    throw Object.assign(new Error('busy'), { statusCode: 503, code: 'TOO_BUSY' })
  }
  for (let n = 0; n < 8; n++) t.equal(await status(app, { email: ann.email }), 503)
  app.password.verify = verify
  t.equal(await status(app, { email: ann.email, password: ann.password }), 200)
})

t.test('an address limits the logins of accounts that never logged in from there', async (t) => {
  const app = await setUp(t, { LIMIT_LOGIN: 'account 4/min, address 3/min' })
  const [ann, ben] = [await cheapUser(app, 'Ann'), await cheapUser(app, 'Ben')]
  const own = (user: User, from: string) => ({ email: user.email, password: user.password, from })
  for (let n = 0; n < 3; n++) {
    t.equal(await status(app, { email: `stranger${n}@example.com`, from: HOME }), 401)
  }
  const refused = await login(app, { email: 'stranger4@example.com', from: HOME })
  t.match(refused, { statusCode: 429, headers: { ratelimit: /^"login-address-60";r=0/ } })
  t.equal(await status(app, own(ann, HOME)), 200, 'an account that did')
  t.equal(await status(app, own(ben, ELSEWHERE)), 200, 'another address')
  for (const expected of [200, 200, 200, 429]) t.equal(await status(app, own(ann, HOME)), expected)
  t.equal(await status(app, own(ben, HOME)), 200, 'the account limit is per account')
})

t.test('the password of a deletion counts as a login', async (t) => {
  const app = await setUp(t)
  const ann = await signUp(app, 'Ann')
  const remove = (password: string) =>
    call(app, 'DELETE /v1/users/me', { as: ann, body: { password } })
  const failed = await failEightTimes(app, async () => (await remove('wrong')).status)
  t.strictSame(failed, [403])
  t.match(await remove(ann.password), { status: 429, body: { code: 'TOO_MANY_FAILURES' } })
  await pass(app)
  t.equal((await remove(ann.password)).status, 204)
  await drained(app)
  const { loginAttempts } = app.tables
  const rows = await app.db.select().from(loginAttempts).where(eq(loginAttempts.subject, ann.id))
  t.strictSame(rows, [], 'erased with the account')
})

t.test('an operator unlocks an account, and old rows are purged', async (t) => {
  const app = await setUp(t)
  const ann = await signUp(app, 'Ann')
  const { loginAttempts } = app.tables
  await failEightTimes(app, () => status(app, { email: ann.email }))
  const right = { email: ann.email, password: ann.password }
  t.equal(await status(app, right), 429)
  const unlock = async (argument: string) => {
    const context = { progress: () => {}, signal: new AbortController().signal, argument }
    return app.tasks.get('auth:unlock')?.run(context)
  }
  t.match(await unlock(ann.email), /can log in from everywhere/)
  await t.rejects(unlock('nobody@example.com'), { message: /^No account has/ })
  t.equal(await later(app, right), 200)

  const old = sql`NOW(3) - INTERVAL 91 DAY`
  await app.db.update(loginAttempts).set({ changedAt: old }).where(eq(loginAttempts.network, HOME))
  await runJob(app, 'auth.purgeAttempts', {})
  const rows = await app.db.select().from(loginAttempts)
  t.strictSame(rows.map(({ network }) => network).sort(), ['', ELSEWHERE])
})
