import { setTimeout as sleep } from 'node:timers/promises'
import { desc, sql } from 'drizzle-orm'
import t from 'tap'
import { createEnded } from '../../plugins/revocation/ended.ts'
import { call, settings, setUp, signUp, type User } from '../helper.ts'
import { startTcpProxy } from '../tcp-proxy.ts'

const { DATABASE_URL = '' } = await settings(t)
const app = await setUp(t, { DATABASE_URL })
const proxy = await startTcpProxy(t, DATABASE_URL)
// Another process on the same database, which it reaches through a way that can be cut.
const other = await setUp(t, {
  DATABASE_URL: proxy.url,
  S3_BUCKET: app.config.s3.bucket,
  JWT_SECRETS: app.config.jwtSecrets.join(),
})

const me = (where: typeof app, as: User) => call(where, 'GET /v1/users/me', { as })
const logout = (where: typeof app, as: User) => call(where, 'POST /v1/auth/logout', { as })

t.test('a revocation applies here at once and everywhere within a second', async (t) => {
  for (const [here, there] of [
    [app, other],
    [other, app],
  ] as const) {
    const [user, stays] = [await signUp(app, 'Goes'), await signUp(app, 'Stays')]
    for (const who of [user, stays]) {
      t.equal((await me(here, who)).status, 200)
      t.equal((await me(there, who)).status, 200, 'the other one has just read the set')
    }
    t.equal((await logout(here, user)).status, 204)
    t.equal((await me(here, user)).status, 401)
    await sleep(900)
    const refused = await me(there, user)
    t.equal(refused.status, 401)
    t.equal(refused.body.code, 'SESSION_REVOKED')
    t.equal((await me(there, stays)).status, 200)
  }
})

t.test('checking revocation takes no query per request', async (t) => {
  await app.jobs.stop()
  t.teardown(() => app.jobs.start())
  await app.revocation.isRevoked(1)
  let queries = 0
  const count = () => void queries++
  app.mysql.pool.on('acquire', count)
  t.teardown(() => app.mysql.pool.off('acquire', count))
  const startedAt = performance.now()
  for (let n = 0; n < 5_000; n++) await app.revocation.isRevoked(n)
  t.ok(queries <= 1 + (performance.now() - startedAt) / 500, `${queries} queries for 5,000`)
})

t.test('concurrent requests share one read of the revocations', async (t) => {
  await app.jobs.stop()
  t.teardown(() => app.jobs.start())
  await sleep(600)
  let queries = 0
  const count = () => void queries++
  app.mysql.pool.on('acquire', count)
  t.teardown(() => app.mysql.pool.off('acquire', count))
  await Promise.all(Array.from({ length: 100 }, (_, n) => app.revocation.isRevoked(n)))
  t.equal(queries, 1)
})

/** Sessions without a user that ended an hour ago, as many days of log-outs leave them. */
async function endSessions(count: number, firstId: number) {
  const ids = Array.from({ length: count }, (_, n) => firstId + n)
  await app.db.execute(sql`
    INSERT INTO revoked_sessions (session_id, until, revoked_at)
    SELECT session_id, NOW(3) + INTERVAL 1 DAY, NOW(3) - INTERVAL 1 HOUR
    FROM JSON_TABLE(${JSON.stringify(ids)}, '$[*]' COLUMNS (session_id BIGINT PATH '$')) AS ended`)
}

t.test('a check reads the sessions that ended since the last check, and no others', async (t) => {
  await other.jobs.stop()
  t.teardown(() => other.jobs.start())
  await endSessions(20_000, 1_000_000)
  const last = await signUp(app, 'Ends last')
  await sleep(600)
  await other.revocation.isRevoked(1)
  await logout(app, last)
  await sleep(600)
  const before = proxy.answered()
  t.equal((await me(other, last)).status, 401)
  const bytes = proxy.answered() - before
  t.ok(bytes < 20_000, `${bytes} bytes`)
})

t.test('a process that has just started knows every session that ended before', async (t) => {
  const user = await signUp(app, 'Ended long ago')
  await logout(app, user)
  await app.db.execute(sql`UPDATE revoked_sessions SET revoked_at = NOW(3) - INTERVAL 2 HOUR`)
  await endSessions(20_000, 2_000_000)
  const fresh = await setUp(t, {
    DATABASE_URL,
    S3_BUCKET: app.config.s3.bucket,
    JWT_SECRETS: app.config.jwtSecrets.join(),
  })
  t.equal((await me(fresh, user)).status, 401)
  t.ok(await fresh.revocation.isRevoked(2_019_999))
  t.notOk(await fresh.revocation.isRevoked(2_020_000))
})

t.test('a revocation that commits after later ones is not missed', async (t) => {
  const [early, late] = [await signUp(app, 'Early'), await signUp(app, 'Late')]
  t.equal((await me(other, early)).status, 200)
  const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>()
  const { promise: inserted, resolve: isInserted } = Promise.withResolvers<void>()
  const slow = app.transaction(async (tx) => {
    await app.auth.sessions.revokeAll(early.id, tx)
    isInserted()
    await mayCommit
  })
  await inserted
  await logout(app, late)
  await sleep(600)
  t.equal((await me(other, late)).status, 401)
  t.equal((await me(other, early)).status, 200)
  commit()
  await slow
  await sleep(600)
  t.equal((await me(other, early)).status, 401)
})

t.test('above the most sessions for memory, each check reads the database', async (t) => {
  const few = createEnded(app, 100)
  await endSessions(200, 3_000_000)
  await few.update()
  t.equal(few.size(), 0, 'none is in memory')
  t.ok(await few.has(3_000_199))
  t.notOk(await few.has(3_000_200))
  const user = await signUp(app, 'Counted')
  await logout(other, user)
  await few.update()
  const [newest] = await app.db
    .select()
    .from(app.tables.revokedSessions)
    .orderBy(desc(app.tables.revokedSessions.revokedAt))
    .limit(1)
  t.ok(await few.has(newest?.sessionId ?? 0), 'a session that ended later is known as well')
})

t.test('no request is accepted on stale revocations during an outage', async (t) => {
  const user = await signUp(app, 'Locked out')
  t.equal((await me(other, user)).status, 200)
  proxy.cut()
  await logout(app, user)
  await sleep(600)
  const refused = await me(other, user)
  t.equal(refused.status, 503)
  t.equal(refused.body.code, 'DATABASE_UNAVAILABLE')
  t.ok(Number(refused.headers['retry-after']) > 0)
  proxy.mend()
  t.equal((await me(other, user)).status, 401, 'after the outage the revocation is known')
  const newcomer = await signUp(other, 'Newcomer')
  t.equal((await me(other, newcomer)).status, 200)
})

t.test('a revocation is purged after the last access token expires', async (t) => {
  const { revokedSessions } = app.tables
  const ids = async () => {
    const rows = await app.db.select().from(revokedSessions)
    return rows.map(({ sessionId }) => sessionId).sort((a, b) => a - b)
  }
  await app.db.delete(revokedSessions)
  await app.db.insert(revokedSessions).values([
    { sessionId: 1, until: sql`NOW(3) - INTERVAL 1 SECOND` },
    { sessionId: 2, until: sql`NOW(3) + INTERVAL 1 MINUTE` },
  ])
  await app.revocation.purge()
  t.strictSame(await ids(), [2])

  const user = await signUp(app, 'Leaving')
  await logout(app, user)
  const [, id] = await ids()
  const [row] = await app.db.select().from(revokedSessions).where(sql`session_id = ${id}`)
  const life = ((row?.until.getTime() ?? 0) - Date.now()) / 1000
  t.ok(life > 900, `kept for ${life} s: as long as an access token lives, and clocks may differ`)
  t.ok(life < 2 * 900)
})

t.test('a rolled-back revocation has no effect', async (t) => {
  const user = await signUp(app, 'Rollback')
  const work = app.transaction(async (tx) => {
    await app.auth.sessions.revokeAll(user.id, tx)
    throw new Error('no')
  })
  await t.rejects(work, { message: 'no' })
  t.equal((await me(app, user)).status, 200)
})
