import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { eq, sql } from 'drizzle-orm'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { build } from '../../app.ts'
import { busyAccount, PERSONAL } from '../busy-account.ts'
import {
  type App,
  call,
  drained,
  read,
  runJob,
  settings,
  setUp,
  signUp,
  tweet,
  type User,
} from '../helper.ts'
import { objectKeys, orphanKeys } from '../multipart.ts'
import { spawnServer } from '../server/spawn.ts'
import { startSmtp } from '../smtp.ts'
import { filesOf } from '../zip.ts'

const smtp = await startSmtp(t)
const mail = { MAIL_URL: smtp.url, MAIL_FROM: 'birdhouse@example.com' }
const LIST = '/v1/users/me/exports'

const ask = (app: App, as: User, code?: string) =>
  call(app, `POST ${LIST}`, { as, body: { password: as.password, ...(code && { code }) } })

async function download(app: App, as: User, id: number) {
  const { statusCode, headers, rawPayload } = await app.inject({
    url: `${LIST}/${id}/archive`,
    headers: { authorization: `Bearer ${as.token}` },
  })
  return { status: statusCode, headers, zip: rawPayload }
}

const archives = async (app: App) =>
  (await objectKeys(app)).filter((key) => key.startsWith('exports/'))

t.test('an archive has everything that the person did, and the pictures', async (t) => {
  const app = await setUp(t, mail)
  const {
    as,
    friend,
    stranger,
    tweet: first,
    others,
    reply,
    gone,
    used,
    unused,
    recoveryCodes: [code],
  } = await busyAccount(app, smtp)
  t.match(await ask(app, as), { status: 403, body: { code: 'SECOND_FACTOR_REQUIRED' } })
  t.match(await ask(app, as, code), { status: 202, body: { status: 'inProgress', readyAt: null } })
  await drained(app)
  const [made] = (await read(app, LIST, as)).items
  t.match(made, { status: 'ready', bytes: Number })
  t.equal(Date.parse(made.expiresAt) - Date.parse(made.readyAt), 7 * 86_400_000)

  const { status, headers, zip } = await download(app, as, made.id)
  t.equal(status, 200)
  t.match(headers, {
    'content-type': 'application/zip',
    'content-length': String(made.bytes),
    'content-disposition': /^attachment; filename="birdhouse-\d{4}-\d\d-\d\d\.zip"$/,
    'cache-control': 'no-store',
  })
  const files = await filesOf(zip)
  const { email, name, handle, profile } = PERSONAL
  t.match(files['account.json'], [{ userId: as.id, email, name, handle, profile, role: 'user' }])
  t.match(
    files['tweets.json'].filter(({ retweetOfId }: any) => retweetOfId === null),
    [
      { id: first.id, text: first.text, deletedAt: null },
      { id: reply.id, text: PERSONAL.tweet, replyToId: others.id },
      { id: gone.id, text: null, deletedAt: String },
    ],
  )
  t.match(files['likes.json'], [{ tweetId: others.id }])
  t.match(files['bookmarks.json'], [{ tweetId: others.id }])
  t.match(files['following.json'], [{ userId: friend.id, handle: friend.handle }])
  t.match(files['followers.json'], [{ userId: friend.id, handle: friend.handle }])
  t.match(files['blocks.json'], [{ userId: stranger.id }])
  t.match(files['mutes.json'], [{ userId: stranger.id }])
  t.match(files['hashtag-mutes.json'], [{ tag: '조용히' }])
  t.match(files['reports.json'], [{ targetId: others.id, category: 'spam', text: '광고' }])
  t.match(files['moderation-acts.json'], [{ act: 'warn', reason: '경고 이유' }])
  t.match(files['appeals.json'], [{ text: '이의', outcome: null }])
  t.match(files['sessions.json'][0], { ip: PERSONAL.address, userAgent: PERSONAL.userAgent })
  t.match(files['verified-email.json'], [{ email, verifiedAt: String }])
  t.match(files['second-factor.json'], [{ confirmedAt: String }])
  t.match(files['passkeys.json'], [{ name: PERSONAL.passkey, createdAt: String }])
  t.match(files['mails.json'].map(({ purpose }: any) => purpose).sort(), [
    'change',
    'reset',
    'verification',
  ])
  const kinds = new Set(files['notifications.json'].map(({ kind }: any) => kind))
  for (const kind of ['like', 'retweet', 'follow', 'reply', 'mention', 'moderation'])
    t.ok(kinds.has(kind), kind)

  t.match(files['pictures.json'], [
    { id: used.id, tweetId: first.id, alt: PERSONAL.alt, file: `${used.id}.webp` },
    { id: unused.id, tweetId: null },
  ])
  const pictures = ['account/avatar.webp', 'account/header.webp']
  for (const path of [...pictures, `pictures/${used.id}.webp`, `pictures/${unused.id}.webp`])
    t.equal((await sharp(files[path]).metadata()).format, 'webp', path)
  t.equal((await sharp(files[`pictures/${used.id}.webp`]).metadata()).width, used.width)

  const json = Object.entries(files).filter(([path]) => path.endsWith('.json'))
  t.notMatch(JSON.stringify(json), /argon2|"(secret|hash|sealed|passwordHash)"/, 'no secrets')
  t.strictSame(await orphanKeys(app), [], 'the sweep knows the archive')
  await everyTableIsListed(t, app, Object.keys(files))
})

/** Tables with data of a person, and the files that they are in. */
const EXPORTED: Record<string, string[]> = {
  users: ['account.json'],
  sessions: ['sessions.json'],
  second_factors: ['second-factor.json'],
  passkeys: ['passkeys.json'],
  login_attempts: ['logins.json'],
  mail_tokens: ['mails.json'],
  verified_emails: ['verified-email.json'],
  accepted_terms: ['terms.json'],
  invitation_uses: ['invitation.json'],
  mastodon_dismissals: ['mastodon-dismissals.json'],
  mastodon_markers: ['mastodon-markers.json'],
  mastodon_profiles: ['mastodon-profile.json'],
  tweets: ['tweets.json'],
  likes: ['likes.json'],
  media: ['pictures.json'],
  follows: ['following.json', 'followers.json'],
  blocks: ['blocks.json'],
  mutes: ['mutes.json'],
  bookmarks: ['bookmarks.json'],
  hashtags_mutes: ['hashtag-mutes.json'],
  moderation_acts: ['moderation-acts.json'],
  moderation_reasons: ['moderation-acts.json'],
  moderation_reports: ['reports.json'],
  moderation_appeals: ['appeals.json'],
  notifications_items: ['notifications.json'],
  notifications_groups: ['notifications.json'],
  notifications_states: ['notifications-read.json'],
}

/** Tables that an archive leaves out. */
const LEFT_OUT: Record<string, string> = {
  changes: 'ids of changed rows, for minutes',
  data_exports: 'the archives themselves',
  hashtags_authors: 'derived from tweets',
  hashtags_mentions: 'derived from tweets of others',
  hashtags_trends: 'counts of everyone',
  hashtags_tweets: 'derived from tweets',
  hashtags_walks: 'positions of tasks',
  idempotency_keys: 'answers to requests, for a day',
  invitations: 'of moderators; the audit log has who made them',
  jobs: 'work that follows from other rows',
  live_events: 'ids of other rows, for hours',
  live_sequence: 'a number',
  mastodon_apps: 'programs that have registered themselves',
  mastodon_codes: 'secrets, for minutes',
  mastodon_tokens: 'hashes of secrets; the sessions name the apps',
  media_sweeps: 'positions of tasks',
  migration_lock: 'no data',
  migrations: 'names of files',
  notifications_budgets: 'counts of an hour',
  passkey_challenges: 'random numbers, for minutes',
  popular_authors: 'derived from follows',
  recovery_codes: 'hashes of secrets',
  refresh_tokens: 'hashes of secrets',
  resting_handles: 'hashes of former handles',
  revoked_sessions: 'ids of sessions, for minutes',
  sign_up_blocks: 'domains and ranges of addresses',
  timeline_entries: 'derived from follows',
  timeline_states: 'derived from follows and reads',
  tweet_count_deltas: 'derived from reactions',
  tweet_counts: 'derived from reactions',
  user_count_deltas: 'derived from follows',
  user_counts: 'derived from follows',
  web_forms: 'hashes of forms that were sent, for a day',
  web_sessions: 'hashes of secrets; the sessions name the browsers',
}

async function everyTableIsListed(t: Test, app: App, paths: string[]) {
  const [rows] = await app.db.execute(
    sql`SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()`,
  )
  const tables = (rows as unknown as { name: string }[]).map(({ name }) => name)
  const listed = [...Object.keys(EXPORTED), ...Object.keys(LEFT_OUT)]
  t.strictSame(tables.sort(), listed.sort(), 'each table is exported or left out with a reason')
  for (const path of Object.values(EXPORTED).flat()) t.ok(paths.includes(path), path)
}

t.test('an archive needs the password, and a mail tells of it', async (t) => {
  const app = await setUp(t, mail)
  const person = await signUp(app)
  const wrong = await ask(app, { ...person, password: 'not the password' })
  t.match(wrong, { status: 403, body: { code: 'WRONG_PASSWORD' } })
  t.equal((await call(app, `POST ${LIST}`, { as: person })).status, 400, 'without a password')
  await drained(app)
  const notices = () =>
    smtp.to(person.email).filter(({ subject }) => subject === 'Your data was asked for')
  t.equal(notices().length, 0)
  t.equal((await ask(app, person)).status, 202)
  await drained(app)
  t.equal(notices().length, 1)
})

t.test('downloads are bounded, and one that is left makes room', async (t) => {
  const app = await setUp(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const people = await Promise.all(Array.from({ length: 9 }, () => signUp(app)))
  const rows = Array.from({ length: 2_500 }, (_, n) => ({ id: n + 1, noise: noise(n) }))
  app.exports.add('noise', async (_, after, limit) => rows.slice(after, after + limit))
  const made = await Promise.all(
    people.map(async (as) => ({ as, id: (await ask(app, as)).body.id as number })),
  )
  await drained(app)
  const requests: ClientRequest[] = []
  t.teardown(() => requests.map((request) => request.destroy()))
  const start = async ({ as, id }: (typeof made)[number]) => {
    const request = get({
      ...{ port, host: '127.0.0.1', path: `${LIST}/${id}/archive`, agent: false },
      headers: { authorization: `Bearer ${as.token}` },
    })
    request.on('error', () => {})
    requests.push(request)
    // The first bytes of an answer that is larger than all buffers of the connection.
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return { request, status: response.statusCode }
  }
  const open = await Promise.all(made.slice(0, 8).map(start))
  t.ok(open.every(({ status }) => status === 200))
  const [first, last] = [made[0], made[8]]
  if (!first || !last) return
  t.equal((await start(first)).status, 429, 'a second one of the same account')
  t.equal((await start(last)).status, 503, 'the ninth')
  for (const { request } of open) request.destroy()
  const again = async () => (await start(last)).status
  while ((await again()) === 503) await sleep(20)

  // A client that leaves while the archive is being opened.
  const { open: openArchive } = app.dataExports
  const opening = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  app.dataExports.open = async (...which) => {
    opening.resolve()
    await left.promise
    return openArchive(...which)
  }
  const connected = once(app.server, 'connection')
  const request = get({
    ...{ port, host: '127.0.0.1', path: `${LIST}/${first.id}/archive`, agent: false },
    headers: { authorization: `Bearer ${first.as.token}` },
  })
  request.on('error', () => {})
  const [[socket]] = await Promise.all([connected, opening.promise])
  const gone = once(socket, 'close')
  request.destroy()
  await gone
  app.dataExports.open = openArchive
  left.resolve()
  // The handler goes on in a microtask of its own.
  await sleep(50)
  t.equal((await start(first)).status, 200)
})

t.test('an archive is made one at a time, at most three in a day', async (t) => {
  const app = await setUp(t)
  const person = await signUp(app)
  const held = Promise.withResolvers<void>()
  app.exports.add('held', async () => {
    await held.promise
    return []
  })
  const answers = await Promise.all([ask(app, person), ask(app, person), ask(app, person)])
  t.strictSame(answers.map(({ status }) => status).sort(), [202, 409, 409])
  held.resolve()
  for (const _ of [2, 3]) {
    await drained(app)
    t.equal((await ask(app, person)).status, 202)
  }
  await drained(app)
  t.match(await ask(app, person), { status: 429, body: { code: 'TOO_MANY_EXPORTS' } })
  t.equal((await ask(app, await signUp(app))).status, 202, 'another account')
})

t.test('only the owner gets the archive, and the bucket alone tells nothing', async (t) => {
  const app = await setUp(t)
  const [owner, other] = [await signUp(app), await signUp(app)]
  await tweet(app, owner, PERSONAL.tweet)
  const { id } = (await ask(app, owner)).body
  t.equal((await download(app, owner, id)).status, 404, 'not ready')
  await drained(app)
  t.equal((await download(app, owner, id)).status, 200)
  t.equal((await download(app, other, id)).status, 404)
  t.strictSame((await read(app, LIST, other)).items, [])
  t.equal((await app.inject(`${LIST}/${id}/archive`)).statusCode, 401)
  const [key = ''] = await archives(app)
  const stored = Buffer.from(await app.s3.get(key))
  t.not(stored.subarray(0, 2).toString(), 'PK', 'no ZIP')
  t.notOk(stored.includes('tweets.json'))
})

t.test('an archive of several parts is read back whole, beside another download', async (t) => {
  const app = await setUp(t)
  const person = await signUp(app)
  const rows = Array.from({ length: 1_200 }, (_, n) => ({ id: n + 1, noise: noise(n) }))
  app.exports.add('noise', async (_, after, limit) => rows.slice(after, after + limit))
  const { id } = (await ask(app, person)).body
  await drained(app)
  t.ok((await archives(app)).length >= 2)
  const { zip } = await download(app, person, id)
  t.strictSame((await filesOf(zip))['noise.json'], rows)
})

/** 8 KB that no compression makes smaller than 6 KB. */
const noise = (n: number) =>
  Array.from({ length: 96 }, (_, i) =>
    createHash('sha512').update(`${n}.${i}`).digest('base64'),
  ).join('')

t.test('a run that dies half-way leaves nothing, and the next one makes the archive', async (t) => {
  const app = await setUp(t)
  const person = await signUp(app)
  const rows = Array.from({ length: 1_200 }, (_, n) => ({ id: n + 1, noise: noise(n) }))
  app.exports.add('noise', async (_, after, limit) => rows.slice(after, after + limit))
  const { id } = (await ask(app, person)).body
  await drained(app)
  const { dataExports } = app.tables
  const reopened = { open: 1, readyAt: null, expiresAt: null }
  await app.db.update(dataExports).set(reopened).where(eq(dataExports.id, id))
  const before = await archives(app)
  const dying = runJob(
    app,
    'exports.make',
    { exportId: id },
    {
      save: async () => {
        throw new Error('the process ends here')
      },
    },
  )
  await t.rejects(dying, /ends here/)
  await drained(app)
  const half = await archives(app)
  t.ok(half.length > 0 && half.every((key) => !before.includes(key)), 'the first folder is gone')
  t.equal((await download(app, person, id)).status, 404)

  await runJob(app, 'exports.make', { exportId: id })
  await drained(app)
  t.ok(
    (await archives(app)).every((key) => !half.includes(key)),
    'so is the second',
  )
  t.strictSame((await filesOf((await download(app, person, id)).zip))['noise.json'], rows)
  t.strictSame(await orphanKeys(app), [])
})

t.test('a process that is killed half-way leaves nothing behind', async (t) => {
  const env = await settings(t)
  // Without workers of its own.
  const app = await build(env, undefined, 'command')
  t.teardown(() => app.close())
  const person = await signUp(app)
  const texts = Array.from({ length: 32_000 }, (_, n) => noise(n).slice(0, 300))
  for (let n = 0; n < texts.length; n += 1_000) {
    const rows = texts.slice(n, n + 1_000).map((text) => ({ authorId: person.id, text }))
    await app.db.insert(app.tables.tweets).values(rows)
  }
  await ask(app, person)
  const first = await spawnServer(t, env)
  while ((await archives(app)).length === 0) await sleep(5)
  first.child.kill('SIGKILL')
  await first.exited
  const half = await archives(app)
  t.match((await read(app, LIST, person)).items, [{ status: 'inProgress' }])

  const { jobs } = app.tables
  const isMake = eq(jobs.name, 'exports.make')
  await app.db
    .update(jobs)
    .set({ runAt: sql`NOW(3)` as never })
    .where(isMake)
  const second = await spawnServer(t, env)
  await second.ready()
  await drained(app)
  const [made] = (await read(app, LIST, person)).items
  t.match(made, { status: 'ready' })
  t.ok((await archives(app)).every((key) => !half.includes(key)))
  t.strictSame(await orphanKeys(app), [])
  const files = await filesOf((await download(app, person, made.id)).zip)
  t.strictSame(
    files['tweets.json'].map(({ text }: any) => text),
    texts,
  )
})

t.test('the archive of an account that is deleted goes, also while it is made', async (t) => {
  const app = await setUp(t)
  const [ready, making] = [await signUp(app), await signUp(app)]
  await ask(app, ready)
  await drained(app)
  t.ok((await archives(app)).length > 0)
  const close = (as: User) =>
    call(app, 'DELETE /v1/users/me', { as, body: { password: as.password } })
  t.equal((await close(ready)).status, 204)
  await drained(app)
  t.strictSame(await archives(app), [])

  app.exports.add('slow', async (userId) => {
    if (userId === making.id) {
      await close(making)
      while ((await app.db.$count(app.tables.dataExports)) > 0) await sleep(20)
    }
    return []
  })
  t.equal((await ask(app, making)).status, 202)
  await drained(app)
  t.strictSame(await archives(app), [])
  t.equal(await app.db.$count(app.tables.dataExports), 0)
})

t.test('an archive goes after seven days, one that is never made after a day fails', async (t) => {
  const app = await setUp(t)
  const { dataExports } = app.tables
  const person = await signUp(app)
  const { id } = (await ask(app, person)).body
  await drained(app)
  const past = { expiresAt: sql`NOW(3) - INTERVAL 1 SECOND` }
  await app.db.update(dataExports).set(past).where(eq(dataExports.id, id))
  t.equal((await download(app, person, id)).status, 404)
  await runJob(app, 'exports.purge', {})
  await drained(app)
  t.strictSame(await archives(app), [])
  t.equal(await app.db.$count(dataExports), 0)

  const old = sql`NOW(3) - INTERVAL 25 HOUR`
  await app.db.insert(dataExports).values({ userId: person.id, createdAt: old as never })
  await runJob(app, 'exports.purge', {})
  t.match((await read(app, LIST, person)).items, [{ status: 'failed', bytes: null }])
  t.equal((await ask(app, person)).status, 202)
  await drained(app)
})
