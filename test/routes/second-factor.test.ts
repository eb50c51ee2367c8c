import { createHash, createHmac } from 'node:crypto'
import { eq } from 'drizzle-orm'
import fc from 'fast-check'
import { Secret } from 'otpauth'
import t from 'tap'
import { stepOf } from '../../routes/auth/codes.ts'
import { createSealing } from '../../routes/auth/sealing.ts'
import { call, drained, login, settings, setUp, signUp, type User } from '../helper.ts'

const env = await settings(t)
const app = await setUp(t, env)
const { secondFactors, recoveryCodes, loginAttempts, users } = app.tables

/** RFC 4226, section 5.3, written anew as an oracle. */
function hotp(secret: Buffer, step: number, digits = 6) {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', secret).update(counter).digest()
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fff_ffff
  return String(number % 10 ** digits).padStart(digits, '0')
}

const bytesOf = (base32: string) => Buffer.from(Secret.fromBase32(base32).bytes)
const codeOf = (secret: string, offset = 0) =>
  hotp(bytesOf(secret), Math.floor(Date.now() / 30_000) + offset)
/** A code of no step in the window. */
const wrongCode = (secret: string) => {
  const near = [-2, -1, 0, 1, 2].map((offset) => codeOf(secret, offset))
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find(
    (code) => !near.includes(code),
  ) as string
}

const PATH = '/v1/auth/second-factor'
const signIn = (user: User, code?: string) =>
  call(app, 'POST /v1/auth/login', {
    body: { email: user.email, password: user.password, ...(code !== undefined && { code }) },
  })
const stateOf = async (as: User) => (await call(app, `GET ${PATH}`, { as })).body
const start = (as: User, body: object = { password: as.password }) =>
  call(app, `POST ${PATH}`, { as, body })
const confirm = (as: User, code: string) =>
  call(app, `POST ${PATH}/confirm`, { as, body: { code } })
/** Makes codes that were used valid again, which the passing of time does otherwise. */
const forgetSteps = (user: User) =>
  app.db.update(secondFactors).set({ lastStep: 0 }).where(eq(secondFactors.userId, user.id))

async function enrolled(name: string) {
  const user = await signUp(app, name)
  const { secret } = (await start(user)).body
  const { recoveryCodes: codes } = (await confirm(user, codeOf(secret))).body
  await forgetSteps(user)
  return { user, secret: secret as string, codes: codes as string[] }
}

t.test('codes are those of RFC 6238', (t) => {
  const secret = Buffer.from('12345678901234567890')
  const base32 = new Secret({ buffer: Uint8Array.from(secret).buffer }).base32
  const vectors: [number, string][] = [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ]
  for (const [seconds, code] of vectors) {
    t.equal(hotp(secret, Math.floor(seconds / 30), 8), code, 'the oracle agrees with the RFC')
    t.equal(stepOf(base32, code.slice(2), seconds * 1000), Math.floor(seconds / 30))
  }
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 20, maxLength: 20 }),
      fc.integer({ min: 10, max: 100_000_000 }),
      fc.integer({ min: -3, max: 3 }),
      (key, step, offset) => {
        const code = hotp(Buffer.from(key), step + offset)
        const near = [-1, 0, 1].map((n) => hotp(Buffer.from(key), step + n))
        const found = stepOf(new Secret({ buffer: key.slice().buffer }).base32, code, step * 30_000)
        return (found !== undefined) === near.includes(code)
      },
    ),
  )
  t.end()
})

t.test('a sealed text opens with each of the keys, for its owner alone', (t) => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), (text, owner, other) => {
      const sealed = createSealing(['old']).seal(text, owner) ?? ''
      const rotated = createSealing(['new', 'old'])
      return (
        rotated.open(sealed, owner)?.plain === text &&
        rotated.open(sealed, owner)?.isNewest === false &&
        (owner === other || rotated.open(sealed, other) === undefined) &&
        createSealing(['new']).open(sealed, owner) === undefined
      )
    }),
  )
  t.equal(createSealing([]).seal('x', 1), undefined)
  t.end()
})

t.test('a second factor is set up, confirmed and switched off', async (t) => {
  const user = await signUp(app, 'Set up')
  const events: object[] = []
  t.teardown(app.events.afterCommit('auth.secondFactorChanged', (event) => void events.push(event)))
  t.match(await stateOf(user), { isOn: false, recoveryCodesLeft: 0 })
  t.match(await confirm(user, '123456'), {
    status: 409,
    body: { code: 'SECOND_FACTOR_NOT_STARTED' },
  })
  t.match(await start(user, { password: 'not this one' }), {
    status: 403,
    body: { code: 'WRONG_PASSWORD' },
  })
  const { secret: replaced } = (await start(user)).body
  const { secret, url } = (await start(user)).body
  t.match(secret, /^[A-Z2-7]{32}$/)
  t.match(url, /^otpauth:\/\/totp\/Birdhouse:.*secret=/)
  t.not(secret, replaced)
  t.equal((await signIn(user)).status, 200, 'off until it is confirmed')
  t.match(await confirm(user, wrongCode(secret)), {
    status: 403,
    body: { code: 'WRONG_SECOND_FACTOR' },
  })
  for (const bad of ['12345', '１２３４５６', '1234\u200b56', '비밀번호여섯'])
    t.equal((await confirm(user, bad)).status, 400, bad)

  const { status, body } = await confirm(user, codeOf(secret))
  t.equal(status, 200)
  t.equal(body.recoveryCodes.length, 10)
  for (const code of body.recoveryCodes) t.match(code, /^([A-Z2-7]{4}-){5}[A-Z2-7]{4}$/)
  t.match(await stateOf(user), { isOn: true, recoveryCodesLeft: 10 })
  t.equal((await start(user, { password: user.password })).status, 403, 'needs a code')
  await forgetSteps(user)
  const again = await start(user, { password: user.password, code: codeOf(secret) })
  t.match(again, { status: 409, body: { code: 'SECOND_FACTOR_ON' } })

  const rows = await app.db.select().from(secondFactors).where(eq(secondFactors.userId, user.id))
  t.notMatch(JSON.stringify(rows), secret, 'the secret is encrypted')
  const hashes = await app.db.select({ hash: recoveryCodes.hash }).from(recoveryCodes)
  const plain = body.recoveryCodes[0].replaceAll('-', '')
  t.ok(hashes.some(({ hash }) => hash.equals(createHash('sha256').update(plain).digest())))

  await forgetSteps(user)
  const stop = (given: object) => call(app, `DELETE ${PATH}`, { as: user, body: given })
  t.match(await stop({ password: user.password }), { body: { code: 'SECOND_FACTOR_REQUIRED' } })
  const off = { password: user.password, code: codeOf(secret) }
  t.equal((await stop({ ...off, password: 'not this one' })).status, 403)
  t.equal((await stop(off)).status, 204)
  t.match(await stop(off), { status: 409, body: { code: 'SECOND_FACTOR_OFF' } })
  t.match(await stateOf(user), { isOn: false, recoveryCodesLeft: 0 })
  t.equal((await signIn(user)).status, 200)
  t.strictSame(events, [
    { userId: user.id, isOn: true },
    { userId: user.id, isOn: false },
  ])
})

t.test('a login requires the code, after the right password alone', async (t) => {
  const { user, secret } = await enrolled('Login')
  const wrong = { ...user, password: 'not this one' }
  t.match(await signIn(wrong, codeOf(secret)), { status: 401, body: { code: 'WRONG_CREDENTIALS' } })
  t.match(await signIn(user), { status: 401, body: { code: 'SECOND_FACTOR_REQUIRED' } })
  t.match(await signIn(user, wrongCode(secret)), {
    status: 401,
    body: { code: 'WRONG_SECOND_FACTOR' },
  })
  const code = codeOf(secret)
  t.equal((await signIn(user, `${code.slice(0, 3)} ${code.slice(3)}`)).status, 200)
  t.equal((await signIn(user, code)).status, 401, 'a code is accepted once')
  t.equal((await signIn(user, codeOf(secret, -1))).status, 401, 'no earlier code after that')
  t.equal((await signIn(user, codeOf(secret, 1))).status, 200, 'the next one is')
  await t.rejects(app.auth.checkCredentials(user.email, user.password, '127.0.0.1'), {
    code: 'SECOND_FACTOR_REQUIRED',
  })
})

t.test('one of two simultaneous uses of a code wins', async (t) => {
  const { user, secret, codes } = await enrolled('Twice')
  for (const code of [codeOf(secret), codes[0]]) {
    const answers = await Promise.all([signIn(user, code), signIn(user, code)])
    t.strictSame(answers.map(({ status }) => status).sort(), [200, 401])
  }
})

t.test('a recovery code replaces one code of the app', async (t) => {
  const { user, codes } = await enrolled('Recovery')
  const [first = '', second = ''] = codes
  t.equal((await signIn(user, first)).status, 200)
  t.equal((await signIn(user, first)).status, 401)
  t.equal((await signIn(user, second.replaceAll('-', '').toLowerCase())).status, 200)
  t.match(await stateOf(user), { isOn: true, recoveryCodesLeft: 8 })
  const other = await enrolled('Other')
  t.equal((await signIn(user, other.codes[0])).status, 401, "not another account's")
})

t.test('wrong codes count as failed logins, and a right password alone ends no row', async (t) => {
  const { user, secret } = await enrolled('Guessed')
  const guess = wrongCode(secret)
  for (let n = 0; n < 4; n++) {
    t.equal((await signIn(user, guess)).status, 401)
    t.match(await signIn(user), { body: { code: 'SECOND_FACTOR_REQUIRED' } })
  }
  t.equal((await signIn(user, guess)).status, 401)
  t.match(await signIn(user, codeOf(secret)), { status: 429, body: { code: 'TOO_MANY_FAILURES' } })
  const rows = await app.db
    .select({ failures: loginAttempts.failures })
    .from(loginAttempts)
    .where(eq(loginAttempts.subject, user.id))
  t.ok(rows.some(({ failures }) => failures === 5))
})

t.test('the flat login takes the code', async (t) => {
  const { user, secret } = await enrolled('Flat')
  const { email, password } = user
  const flat = (body: object) => call(app, 'POST /login', { body: { email, password, ...body } })
  t.equal((await flat({})).status, 401)
  t.equal((await flat({ code: wrongCode(secret) })).status, 401)
  t.equal((await flat({ code: codeOf(secret) })).status, 200)
})

t.test('password change and deletion require the code, and the rows are erased', async (t) => {
  const { user, secret, codes } = await enrolled('Acts')
  const { password } = user
  const newPassword = 'seven quiet lamps'
  const change = (body: object) => call(app, 'PUT /v1/users/me/password', { as: user, body })
  t.match(await change({ password, newPassword }), {
    status: 403,
    body: { code: 'SECOND_FACTOR_REQUIRED' },
  })
  t.equal((await change({ password, newPassword, code: codeOf(secret) })).status, 204)
  const remove = (body: object) => call(app, 'DELETE /v1/users/me', { as: user, body })
  t.equal((await remove({ password: newPassword })).status, 403)
  t.equal((await remove({ password: newPassword, code: codes[0] })).status, 204)
  await drained(app)
  for (const table of [secondFactors, recoveryCodes])
    t.equal(await app.db.$count(table, eq(table.userId, user.id)), 0)
  t.equal(await app.db.$count(users, eq(users.id, user.id)), 0)
})

t.test('an operator switches off a lost factor', async (t) => {
  const { user } = await enrolled('Lost')
  const task = app.tasks.get('auth:reset-second-factor')
  const context = { progress: () => {}, signal: new AbortController().signal }
  const run = async () => task?.run({ ...context, argument: user.email })
  t.match(await run(), /can log in with the password alone/)
  t.equal((await signIn(user)).status, 200)
  await t.rejects(run(), { code: 'SECOND_FACTOR_OFF' })
})

t.test('without a key, the set-up is 503 and all else works', async (t) => {
  const { user, secret, codes } = await enrolled('No key')
  const keyless = await setUp(t, { ...env, SECOND_FACTOR_KEYS: undefined })
  const { email, password } = user
  const logIn = (code: string) =>
    call(keyless, 'POST /v1/auth/login', { body: { email, password, code } })
  t.match(await logIn(codeOf(secret)), { status: 503, body: { code: 'SECOND_FACTOR_UNAVAILABLE' } })
  t.equal((await logIn(codes[0] ?? '')).status, 200)
  const person = await signUp(keyless, 'Keyless')
  t.match(
    await call(keyless, `POST ${PATH}`, { as: person, body: { password: person.password } }),
    {
      status: 503,
      body: { code: 'SECOND_FACTOR_UNAVAILABLE' },
    },
  )
  t.ok((await login(person, keyless)).accessToken)
})

t.test('a change of the factor ends the other sessions if the owner wants that', async (t) => {
  const user = await signUp(app, 'Nora')
  const other = { token: (await login(user, app)).accessToken }
  const statusOf = async (as: { token: string }) =>
    (await call(app, 'GET /v1/users/me', { as })).status
  const { secret } = (await start(user)).body
  const body = { code: codeOf(secret), endOtherSessions: true }
  const confirmed = await call(app, `POST ${PATH}/confirm`, { as: user, body })
  t.equal(confirmed.status, 200)
  t.strictSame([await statusOf(user), await statusOf(other)], [200, 401])

  const [first, second] = confirmed.body.recoveryCodes
  const next = { token: (await signIn(user, first)).body.accessToken }
  const stop = { password: user.password, code: second }
  t.equal((await call(app, `DELETE ${PATH}`, { as: user, body: stop })).status, 204)
  t.equal(await statusOf(next), 200, 'other sessions stay unless the owner says so')
  const again = (await start(user)).body.secret
  const codes = (await confirm(user, codeOf(again))).body.recoveryCodes
  const ending = { password: user.password, code: codes[0], endOtherSessions: true }
  t.equal((await call(app, `DELETE ${PATH}`, { as: user, body: ending })).status, 204)
  t.strictSame([await statusOf(user), await statusOf(next)], [200, 401])
})
