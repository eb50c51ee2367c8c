import { gt, sql } from 'drizzle-orm'
import sharp from 'sharp'
import t from 'tap'
import { build } from '../../app.ts'
import { loadDemoData } from '../../demo/index.ts'
import { type App, call, drained, read, settings, setUp, signUp } from '../helper.ts'
import { startMysqlFaultProxy } from '../mysql-fault-proxy.ts'
import { startS3FaultProxy } from '../s3-fault-proxy.ts'

const TABLES = ['users', 'follows', 'tweets', 'likes', 'user_counts', 'tweet_counts']
const quiet = () => {}

async function rowCounts(app: App) {
  const one = (table: string) => sql`(SELECT COUNT(*) FROM ${sql.identifier(table)})`
  const [rows] = await app.db.execute(sql`SELECT ${sql.join(TABLES.map(one), sql`, `)}`)
  return Object.values((rows as any)[0]) as number[]
}

async function checksums(app: App) {
  const names = TABLES.map((table) => sql.identifier(table))
  const [rows] = await app.db.execute(sql`CHECKSUM TABLE ${sql.join(names, sql`, `)}`)
  return (rows as any).map((row: any) => row.Checksum)
}

/** How many rows name each id in a column. */
const tally = (ids: (number | null)[]) =>
  new Map([...Map.groupBy(ids, (id) => id)].map(([id, same]) => [id, same.length]))

t.test('demo data are complete and consistent', async (t) => {
  const env = await settings(t)
  const store = await startS3FaultProxy(t, env.S3_ENDPOINT ?? '')
  const database = new URL(env.DATABASE_URL ?? '')
  const relay = await startMysqlFaultProxy(Number(database.port))
  database.port = String(relay.port)
  const app: App = await build({ ...env, S3_ENDPOINT: store.url, DATABASE_URL: database.href })
  t.teardown(async () => {
    await app.close()
    relay.stop()
  })
  const { users, follows, tweets, likes, userCounts, tweetCounts } = app.tables

  await t.test('a load that fails while storing pictures leaves no row', async (t) => {
    let puts = 0
    store.misbehave(({ request, response, pass }) => {
      if (request.method !== 'PUT' || ++puts <= 50) return pass()
      request.resume()
      response.writeHead(403).end()
    })
    await t.rejects(loadDemoData(app, quiet))
    store.misbehave()
    t.ok(puts > 50)
    t.same(await rowCounts(app), [0, 0, 0, 0, 0, 0])
  })

  await t.test('a load that fails just before its end leaves no row', async (t) => {
    relay.refuse(/(^|; ?)commit$/i)
    await t.rejects(loadDemoData(app, quiet), { message: /not yet prepared/ })
    relay.refuse(undefined)
    t.same(await rowCounts(app), [0, 0, 0, 0, 0, 0])
  })

  await t.test('one of two simultaneous processes loads the demo data', async (t) => {
    const lines: string[] = []
    const load = () => loadDemoData(app, (line) => lines.push(line))
    const logins = await Promise.all([load(), load()])
    t.strictSame(logins[0], logins[1])
    const [people, followed = 0, written, liked = 0, ...totals] = await rowCounts(app)
    t.strictSame([people, written, ...totals], [200, 5000, 200, 5000])
    t.ok(followed > 3000 && liked > 8000, `${followed} follows, ${liked} likes`)
    t.equal(lines.filter((line) => line.startsWith('demo data loaded')).length, 1)
    t.ok(lines.includes('loading demo data: 200 users, 5,000 tweets'))
  })

  await t.test('the totals equal the rows', async (t) => {
    const followRows = await app.db.select().from(follows)
    const tweetRows = await app.db.select().from(tweets)
    const followers = tally(followRows.map((row) => row.followeeId))
    const followees = tally(followRows.map((row) => row.followerId))
    const written = tally(tweetRows.map((row) => row.authorId))
    const wrongUsers = (await app.db.select().from(userCounts)).filter(
      (row) =>
        row.followers !== (followers.get(row.userId) ?? 0) ||
        row.followees !== (followees.get(row.userId) ?? 0) ||
        row.tweets !== (written.get(row.userId) ?? 0),
    )
    t.strictSame(wrongUsers, [])
    const liked = tally((await app.db.select().from(likes)).map((row) => row.tweetId))
    const retweeted = tally(tweetRows.map((row) => row.retweetOfId))
    const replied = tally(tweetRows.map((row) => row.replyToId))
    const wrongTweets = (await app.db.select().from(tweetCounts)).filter(
      (row) =>
        row.likes !== (liked.get(row.tweetId) ?? 0) ||
        row.retweets !== (retweeted.get(row.tweetId) ?? 0) ||
        row.replies !== (replied.get(row.tweetId) ?? 0),
    )
    t.strictSame(wrongTweets, [])
    t.ok(Math.max(...followers.values()) > 100, 'somebody is popular')
    t.ok((replied.get(null) ?? 0) < 4000, 'a fifth and more are replies')
    t.ok((retweeted.get(null) ?? 0) < 4800, 'some are retweets')
  })

  await t.test('every text is a valid tweet, in several scripts', async (t) => {
    const rows = await app.db.select().from(tweets)
    const posts = rows.filter((row) => row.text !== null && row.replyToId === null)
    const texts = rows.flatMap((row) => row.text ?? [])
    t.ok(texts.every((text) => [...text].length <= 300 && text.trim() === text && text !== ''))
    t.ok(texts.every((text) => text === text.normalize('NFC')))
    t.notOk(texts.some((text) => /[{}]|undefined/.test(text)))
    t.equal(new Set(posts.map((row) => row.text)).size, posts.length, 'no post twice')
    for (const script of ['Latin', 'Hangul', 'Han', 'Hiragana', 'Arabic', 'Devanagari']) {
      const matching = texts.filter((text) => new RegExp(`\\p{Script=${script}}`, 'u').test(text))
      t.ok(matching.length > 100, `${matching.length} texts in ${script}`)
    }
  })

  await t.test('ids ascend with time, and replies follow their parents', async (t) => {
    const rows = await app.db.select().from(tweets).orderBy(tweets.id)
    const byId = new Map(rows.map((row) => [row.id, row]))
    for (const [i, row] of rows.entries()) {
      const earlier = rows[i - 1]
      const target = byId.get(row.replyToId ?? row.retweetOfId ?? 0)
      if (earlier && earlier.createdAt > row.createdAt)
        t.fail(`${row.id} is older than the one before`)
      if (target && (target.id > row.id || target.retweetOfId))
        t.fail(`${row.id} answers too early`)
    }
    const month = 30 * 24 * 3600 * 1000
    t.ok(rows.every(({ createdAt: at }) => at <= new Date() && +at > Date.now() - month - 120_000))
    const given = await app.db.select().from(likes)
    t.ok(given.every((row) => row.createdAt >= (byId.get(row.tweetId)?.createdAt ?? 0)))
    t.ok(given.every((row) => byId.get(row.tweetId)?.retweetOfId === null))
  })

  await t.test('the demo user can log in and has a full timeline', async (t) => {
    const body = await loadDemoData(app, quiet)
    const { status, body: signedIn } = await call(app, 'POST /v1/auth/login', { body: body ?? {} })
    t.equal(status, 200)
    const demo = await read(app, `/v1/users/${signedIn.user.id}`)
    t.match(demo, { handle: 'demo', followerCount: 25, followeeCount: 40 })
    const page = await read(app, '/v1/timeline', { token: signedIn.accessToken } as any)
    t.equal(page.items.length, 20)
    t.ok(page.nextCursor)
  })

  await t.test('every user has their own picture in every size', async (t) => {
    const rows = await app.db.select().from(users)
    const pictures = new Set<string>()
    for (const { avatar } of rows.map(app.users.present)) {
      const response = await fetch(avatar?.small ?? '')
      if (response.headers.get('content-type') !== 'image/webp')
        t.fail(`no picture: ${avatar?.small}`)
      pictures.add(Buffer.from(await response.arrayBuffer()).toString('base64'))
    }
    t.equal(pictures.size, 200)
    for (const [size, url] of Object.entries(rows.map(app.users.present)[0]?.avatar ?? {})) {
      const bytes = await (await fetch(url)).arrayBuffer()
      const pixels = app.users.pictures.avatar.sizes[size as 'small']
      t.match(await sharp(bytes).metadata(), { format: 'webp', width: pixels, height: pixels })
    }
  })

  await t.test('some tweets have pictures', async (t) => {
    const illustrated = await app.db.select().from(tweets).where(gt(tweets.mediaCount, 0))
    t.equal(illustrated.length, 6)
    for (const { id } of illustrated) {
      const { media, author } = await read(app, `/v1/tweets/${id}`)
      t.ok(author && media.length === 1 && media[0].alt)
      for (const { url, width, height } of Object.values<any>(media[0].variants)) {
        const bytes = await (await fetch(url)).arrayBuffer()
        t.match(await sharp(bytes).metadata(), { format: 'webp', width, height })
      }
    }
  })

  await t.test('loading again changes nothing', async (t) => {
    // The timeline of a user who has read it is filled.
    await drained(app)
    const before = await checksums(app)
    t.ok(before.every(Number.isInteger))
    const lines: string[] = []
    const begin = performance.now()
    await loadDemoData(app, (line) => lines.push(line))
    t.ok(performance.now() - begin < 500)
    t.strictSame(lines, [])
    t.strictSame(await checksums(app), before)
  })
})

t.test('a database with users is left unchanged', async (t) => {
  const app = await setUp(t)
  await signUp(app, 'Real')
  t.equal(await loadDemoData(app, quiet), undefined)
  t.same((await rowCounts(app)).slice(0, 4), [1, 0, 0, 0])
})
