import fc from 'fast-check'
import type { ResultSetHeader } from 'mysql2'
import t from 'tap'
import { decodeCursor, encodeCursor } from '../../plugins/pagination.ts'
import {
  call,
  like,
  read,
  readAll,
  relate,
  removeTweet,
  retweet,
  setUp,
  signUp,
  tweet,
  type User,
  undoRetweet,
  unrelate,
} from '../helper.ts'
import { createOracle, expectedPage, relationsOf } from '../timeline-oracle.ts'

const app = await setUp(t)
type Item = { id: number; retweetOf: { id: number } | null }
const people = (...names: string[]) => Promise.all(names.map((name) => signUp(app, name)))
const shownIds = (items: Item[]) => items.map(({ id, retweetOf }) => retweetOf?.id ?? id)
const shown = async (as: User) => shownIds(await readAll(app, '/v1/timeline', as))

t.test('a timeline shows the tweets of the reader and of followees', async (t) => {
  const [ann, ben, cho] = (await people('Ann', 'Ben', '초희')) as [User, User, User]
  await relate(app, ann, 'follow', ben)
  const first = await tweet(app, ben, 'first')
  const other = await tweet(app, cho, 'not followed')
  const own = await tweet(app, ann, '안녕 👋')
  await retweet(app, ben, own.id)
  const reply = await tweet(app, ben, 'to a stranger', { replyToId: other.id })

  const page = await read(app, '/v1/timeline', ann)
  t.strictSame(shownIds(page.items), [reply.id, own.id, first.id])
  t.match(page.items[0], { author: { id: ben.id }, replyTo: { id: other.id }, liked: false })
  t.equal(page.nextCursor, null)

  await like(app, ann, first.id)
  const [, , liked] = (await read(app, '/v1/timeline', ann)).items
  t.match(liked, { liked: true, likeCount: 1 })

  await removeTweet(app, ben, reply.id)
  t.strictSame(await shown(ann), [own.id, first.id], 'no tombstones')
  await unrelate(app, ann, 'follow', ben)
  t.strictSame(await shown(ann), [own.id])
  await relate(app, ann, 'follow', ben)
  t.strictSame(await shown(ann), [own.id, first.id], 'earlier tweets are included')
  await relate(app, ann, 'mute', ben)
  t.strictSame(await shown(ann), [own.id])
  t.equal((await call(app, 'GET /v1/timeline')).status, 401)
})

t.test('an original is shown once per page, with any number of retweets', async (t) => {
  const [reader, ...fans] = (await people('Reader', 'X', 'Y', 'Z')) as [User, ...User[]]
  for (const fan of fans) await relate(app, reader, 'follow', fan)
  const old = await tweet(app, reader, 'old')
  const original = await tweet(app, fans[0] as User, 'original')
  for (const fan of fans) await retweet(app, fan, original.id)
  const last = await tweet(app, reader, 'last')

  t.strictSame(await shown(reader), [last.id, original.id, old.id])
  const first = await call(app, 'GET /v1/timeline?limit=2', { as: reader })
  t.strictSame(shownIds(first.body.items), [last.id, original.id])
  t.equal(first.headers.link, `</v1/timeline?limit=2&cursor=${first.body.nextCursor}>; rel="next"`)
  const second = await read(app, `/v1/timeline?limit=2&cursor=${first.body.nextCursor}`, reader)
  t.strictSame(shownIds(second.items), [original.id, old.id], 'once a page, not once a timeline')
  t.equal(second.nextCursor, null)

  await relate(app, reader, 'mute', fans[0] as User)
  t.strictSame(await shown(reader), [last.id, old.id], "a muted author's original is missing")
  await unrelate(app, reader, 'mute', fans[0] as User)
  await undoRetweet(app, fans[2] as User, original.id)
  await removeTweet(app, fans[0] as User, original.id)
  t.strictSame(await shown(reader), [last.id, old.id], 'gone with its original')
})

t.test('cursors continue a timeline', async (t) => {
  const [dan] = (await people('Dan')) as [User]
  for (let n = 0; n < 3; n++) await tweet(app, dan, `${n}`)
  const elsewhere = await read(app, '/v1/tweets?limit=1')
  for (const parameter of ['cursor', 'since']) {
    for (const value of [elsewhere.nextCursor, 'nonsense', '', encodeCursor('timeline', -1)]) {
      const answer = await call(app, `GET /v1/timeline?${parameter}=${value}`, { as: dan })
      t.equal(answer.status, 400, `${parameter}=${value}`)
      t.equal(answer.body.code, 'INVALID_CURSOR')
    }
  }
  for (const query of ['limit=0', 'limit=101', 'limit=many', 'page=2']) {
    t.equal((await call(app, `GET /v1/timeline?${query}`, { as: dan })).status, 400, query)
  }
  const { nextCursor } = await read(app, '/v1/timeline?limit=1', dan)
  const tweets = await call(app, `GET /v1/tweets?cursor=${nextCursor}`)
  t.equal(tweets.body.code, 'INVALID_CURSOR', 'its cursors are rejected elsewhere')
})

/** Inserts a tweet by raw SQL; it can be seen once the returned function has committed. */
async function tweetLate(author: User, text: string, commands = '') {
  const connection = await app.mysql.pool.getConnection()
  await connection.beginTransaction()
  const [result] = await connection.query<ResultSetHeader>(
    `INSERT INTO tweets (author_id, text) VALUES (?, ?) ${commands}`,
    [author.id, text],
  )
  const note = 'INSERT INTO changes (topic, subject) VALUES (?, ?)'
  await connection.query(note, ['written', result.insertId])
  const commit = async () => {
    await connection.commit()
    connection.release()
  }
  return { id: result.insertId, commit }
}

t.test('since misses nothing, late commits with a lower id included', async (t) => {
  const [reader, slow, quick] = (await people('Reader', 'Slow', 'Quick')) as [User, User, User]
  await relate(app, reader, 'follow', slow)
  await relate(app, reader, 'follow', quick)
  const since = async (cursor: string, limit = 3) =>
    shownIds(await readAll(app, `/v1/timeline?since=${cursor}`, reader, limit))

  const nothing = await read(app, '/v1/timeline', reader)
  t.strictSame(nothing.items, [])
  const old = await tweet(app, quick, 'an hour old')
  await app.mysql.pool.query(
    'UPDATE tweets SET created_at = created_at - INTERVAL 1 HOUR WHERE id <= ?',
    [old.id],
  )
  t.strictSame(await since(nothing.sinceCursor), [old.id], 'since an empty page')

  const late = await tweetLate(slow, 'committed late')
  const early = await tweet(app, quick, 'committed first')
  t.ok(late.id < early.id)
  const page = await read(app, '/v1/timeline', reader)
  t.strictSame(shownIds(page.items), [early.id, old.id])
  await late.commit()

  const refreshed = await since(page.sinceCursor)
  t.ok(refreshed.includes(late.id), 'the late row is there')
  t.notOk(refreshed.includes(old.id), 'tweets beyond the overlap are not repeated')

  const more: number[] = []
  for (let n = 0; n < 7; n++) more.unshift((await tweet(app, quick, `${n}`)).id)
  t.strictSame((await since(page.sinceCursor)).slice(0, 7), more, 'page by page')
  const first = await call(app, `GET /v1/timeline?limit=2&since=${page.sinceCursor}`, {
    as: reader,
  })
  t.match(first.headers.link, `since=${page.sinceCursor}`, 'the next page keeps since')
  const newest = first.body.sinceCursor
  const final = await tweet(app, slow, 'final')
  t.equal((await since(newest))[0], final.id)

  const below = await read(app, `/v1/timeline?limit=2&cursor=${first.body.nextCursor}`, reader)
  t.equal((await since(below.sinceCursor))[0], final.id, 'any cursor of the timeline will do')
  t.equal((await since(first.body.nextCursor))[0], final.id)
})

t.test('since misses nothing when the row it names has gone', async (t) => {
  const [reader, other] = (await people('Reader', 'Other')) as [User, User]
  await relate(app, reader, 'follow', other)
  const original = await tweet(app, reader, 'original')
  await app.mysql.pool.query('UPDATE tweets SET created_at = created_at - INTERVAL 1 DAY')
  const late = await tweetLate(other, 'late')
  await retweet(app, other, original.id)
  const { sinceCursor } = await read(app, '/v1/timeline', reader)
  await undoRetweet(app, other, original.id)
  await late.commit()
  const { items } = await read(app, `/v1/timeline?since=${sinceCursor}`, reader)
  t.ok(shownIds(items).includes(late.id))
})

// --- The definition, once more, over raw rows ---

type Command = { kind: (typeof KINDS)[number]; actor: number; other: number; target: number }
const KINDS = [
  ...['tweet', 'tweet', 'reply', 'retweet', 'retweet', 'retweet', 'undo', 'delete'],
  ...['follow', 'follow', 'follow', 'unfollow', 'block', 'unblock', 'mute', 'unmute'],
] as const
const PEOPLE = 5

const command = fc.record({
  kind: fc.constantFrom(...KINDS),
  actor: fc.nat(PEOPLE - 1),
  other: fc.nat(PEOPLE - 1),
  target: fc.nat(30),
})
const sequence = fc.array(command, { minLength: 20, maxLength: 30 })

let crowds = 0
async function crowd() {
  const tag = `crowd${++crowds}`
  const create = (n: number) =>
    app.users.create({ name: 'Crowd', email: `${tag}-${n}@example.com`, passwordHash: '' })
  const ids: number[] = []
  for (let n = 0; n < PEOPLE; n++) ids.push(await create(n))
  return ids
}

const oracle = createOracle(app)

/** Does what the command says, as far as the rules allow it. */
async function run(users: number[], { kind, actor, other, target }: Command) {
  const me = users[actor] ?? 0
  const them = users[other] ?? 0
  const rows = kind === 'tweet' ? [] : await oracle.rowsBy(users)
  const id = rows[target % Math.max(rows.length, 1)]?.id ?? 0
  const { tweets, graph } = app
  const work = {
    tweet: () => tweets.create({ authorId: me, text: 'tweet' }),
    reply: () => tweets.create({ authorId: me, text: 'reply', replyToId: id }),
    retweet: () => tweets.retweet(id, me),
    undo: () => tweets.undoRetweet(id, me),
    delete: () => tweets.remove(id, rows.find((row) => row.id === id)?.authorId ?? me),
    ...relationsOf(graph, me, them),
  }[kind as string]
  await work?.().catch((error: { statusCode?: number }) => {
    if (!error.statusCode || error.statusCode >= 500) throw error
  })
}

/** Pages as the definition walks them. */
function expectedPages(rows: Parameters<typeof expectedPage>[0], limit: number) {
  const pages: ReturnType<typeof expectedPage>[] = []
  let below: number | undefined
  do {
    const page = expectedPage(rows, limit, below)
    pages.push(page)
    below = decodeCursor('timeline', page.nextCursor ?? undefined)
  } while (below !== undefined)
  return pages
}

async function actualPages(readerId: number, limit: number, since?: string) {
  const pages: { ids: number[]; keys: number[]; nextCursor: string | null }[] = []
  let cursor: string | null | undefined
  do {
    const page = await app.timeline.page(readerId, { cursor: cursor ?? undefined, limit, since })
    const ids = page.items.map(({ id }) => id)
    pages.push({ ids, keys: shownIds(page.items), nextCursor: page.nextCursor })
    cursor = page.nextCursor
  } while (cursor !== null && pages.length < 100)
  return pages
}

t.test('a timeline equals its definition after any history', async (t) => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.comment(`SEED=${seed}`)
  let rowsSeen = 0
  let repeats = 0
  const property = fc.asyncProperty(sequence, fc.integer({ min: 1, max: 6 }), async (cs, limit) => {
    const users = await crowd()
    const half = Math.floor(cs.length / 2)
    for (const command of cs.slice(0, half)) await run(users, command)
    const marks = await Promise.all(users.map((id) => app.timeline.page(id, { limit })))
    for (const command of cs.slice(half)) await run(users, command)

    const tweetIds = (await oracle.rowsBy(users)).map(({ id }) => id)
    const pairs = await app.timeline.readersOf(tweetIds, users)
    const { rowsFor } = await oracle.look(users)
    for (const [n, reader] of users.entries()) {
      const rows = rowsFor(reader)
      const theirs = pairs.filter(({ readerId }) => readerId === reader)
      const found = theirs.map(({ tweetId }) => tweetId).sort((a, b) => b - a)
      if (found.join() !== rows.map(({ id }) => id).join()) {
        throw new Error(`readersOf finds ${found} for ${reader}`)
      }
      rowsSeen += rows.length
      repeats += rows.length - new Set(rows.map((row) => row.retweetOfId ?? row.id)).size
      const actual = (await actualPages(reader, limit)).map(({ ids, nextCursor }) => ({
        ids,
        nextCursor,
      }))
      const expected = expectedPages(rows, limit)
      if (JSON.stringify(actual) !== JSON.stringify(expected)) {
        throw new Error(`${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`)
      }
      const since = marks[n]?.sinceCursor ?? ''
      const mark = Number(Buffer.from(since, 'base64url').toString().split(':')[1])
      const later = new Set((await actualPages(reader, limit, since)).flatMap(({ keys }) => keys))
      const missed = rows.find((row) => row.id > mark && !later.has(row.retweetOfId ?? row.id))
      if (missed) throw new Error(`since ${mark} misses ${missed.id}`)
    }
  })
  await fc.assert(property, { seed, numRuns: 40, interruptAfterTimeLimit: 40_000 })
  t.comment(`${rowsSeen} rows in timelines, ${repeats} of them repeats of an original`)
  t.ok(rowsSeen > 200 && repeats > 10, 'the sequences were worth it')
})
