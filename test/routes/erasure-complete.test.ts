import { sql } from 'drizzle-orm'
import t from 'tap'
import { busyAccount, PERSONAL } from '../busy-account.ts'
import { type App, call, drained, setUp } from '../helper.ts'
import { objectKeys } from '../multipart.ts'
import { startSmtp } from '../smtp.ts'

/** Rows that may name the id of an erased account, and nothing else of it. */
const IDS_STAY: Record<string, string> = {
  changes: 'notes for the caches, purged within minutes',
  moderation_acts: 'the audit log: ids and codes, no text',
  revoked_sessions: 'ids of sessions, until their access tokens expire',
}

/** Texts of others stay, with the handle and the ids that it names. */
const OF_OTHERS: Record<string, string> = {
  tweets: 'replies to the account, and tweets that mention it',
  hashtags_mentions: 'the handles in tweets of others, without the id of an account',
}

/** Tables that name no account, also before the deletion. */
const IMPERSONAL: Record<string, string> = {
  hashtags_trends: 'counts of everyone',
  hashtags_walks: 'positions of tasks',
  invitations: 'of moderators',
  jobs: 'empty once all has been done',
  live_sequence: 'a number',
  mastodon_apps: 'programs that have registered themselves',
  media_sweeps: 'positions of tasks',
  migration_lock: 'no data',
  migrations: 'names of files',
  sign_up_blocks: 'domains and ranges of addresses',
  tweet_count_deltas: 'empty once counted',
  user_count_deltas: 'empty once counted',
  web_forms: 'hashes of forms that were sent, and outcomes that a browser alone can read',
}

const tablesOf = async (app: App) => {
  const [rows] = await app.db.execute(
    sql`SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()`,
  )
  return (rows as unknown as { name: string }[]).map(({ name }) => name).sort()
}

/** All rows as text, digests in hex and in base64. */
async function dump(app: App, table: string) {
  const [rows] = await app.db.execute(sql.raw(`SELECT * FROM \`${table}\``))
  return (rows as unknown as object[]).map((row) =>
    JSON.stringify(row, (_, value) =>
      value?.type === 'Buffer' ? Buffer.from(value.data).toString('base64') : value,
    ),
  )
}

async function countUp(app: App) {
  await app.users.counts.rollUp()
  await app.tweets.counts.rollUp()
}

/** The rows of each table that have one of these texts. */
async function rowsWith(app: App, texts: string[]) {
  const found: Record<string, string[]> = {}
  for (const table of await tablesOf(app)) {
    const rows = (await dump(app, table)).filter((row) => texts.some((text) => row.includes(text)))
    if (rows.length > 0) found[table] = rows
  }
  return found
}

t.test('nothing of an account that has used everything stays after its deletion', async (t) => {
  const smtp = await startSmtp(t)
  const app = await setUp(t, {
    MAIL_URL: smtp.url,
    MAIL_FROM: 'birdhouse@example.com',
    FANOUT_LIMIT: '0',
  })
  // Ids that are no other number in the database.
  const kinds = ['users', 'tweets', 'media', 'sessions', 'moderation_reports', 'data_exports']
  for (const [n, table] of kinds.entries())
    await app.db.execute(sql.raw(`ALTER TABLE ${table} AUTO_INCREMENT = 7${n}00000001`))
  const { as, ask, ...made } = await busyAccount(app, smtp)
  const others = await objectKeys(app)
  const [, code] = made.recoveryCodes
  await ask('POST /v1/users/me/exports', { password: as.password, code })
  await drained(app)
  t.ok((await objectKeys(app)).length > others.length, 'an archive')

  const ids = [as.id, made.tweet.id, made.reply.id, made.gone.id, made.used.id, made.unused.id]
  const sessions = await ask('GET /v1/auth/sessions')
  ids.push(...sessions.items.map(({ id }: { id: number }) => id))
  const ended = await app.db.select().from(app.tables.revokedSessions)
  ids.push(...ended.map(({ sessionId }) => sessionId))
  const texts = [...Object.values(PERSONAL), '경고 이유', '이의', '조용히', '#비밀']
  await countUp(app)
  const before = Object.keys(await rowsWith(app, ids.map(String)))
  t.ok(before.length > 25, `${before.length} tables name the account`)
  const unknowns = (await tablesOf(app)).filter((table) => !before.includes(table))
  t.strictSame(unknowns, Object.keys(IMPERSONAL), 'each other table names no account')

  // A job of the account that has failed for good.
  app.jobs.define('test.fails', () => Promise.reject(new Error('never')), { maxAttempts: 1 })
  await app.jobs.causedBy(as.id, () =>
    app.transaction((tx) => app.jobs.add(tx, ['test.fails'], { tweetId: made.tweet.id })),
  )
  await drained(app)
  t.equal(await app.jobs.countDead(), 1)

  // Mails that cannot be sent: one has failed too often, the other waits.
  await smtp.stop()
  const forgotten = { body: { email: PERSONAL.email } }
  const isMail = sql`name LIKE 'accountMail.%' AND unique_key IS NULL`
  await call(app, 'POST /v1/auth/password-reset', forgotten)
  await app.db.execute(sql`UPDATE jobs SET attempts = 1000, run_at = NOW(3) WHERE ${isMail}`)
  await call(app, 'POST /v1/auth/password-reset', forgotten)
  const body = { password: as.password, code: made.recoveryCodes[0] }
  t.equal((await call(app, 'DELETE /v1/users/me', { as, body })).status, 204)
  await app.db.execute(sql`UPDATE jobs SET run_at = NOW(3) WHERE ${isMail} AND attempts < 1000`)
  await drained(app)
  await countUp(app)

  const without = (found: Record<string, string[]>, tables: object) =>
    Object.fromEntries(Object.entries(found).filter(([table]) => !(table in tables)))
  t.strictSame(without(await rowsWith(app, texts), OF_OTHERS), {}, 'no word of the person')
  const left = await rowsWith(app, [String(as.id)])
  t.strictSame(without(left, IDS_STAY), {}, 'no id of the account')
  const parts = await rowsWith(app, ids.map(String))
  t.strictSame(without(parts, { ...IDS_STAY, ...OF_OTHERS }), {}, 'no id of its rows')
  t.strictSame(await objectKeys(app), [], 'no object')
})
