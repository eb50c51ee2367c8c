import { count, eq, sql } from 'drizzle-orm'
import t from 'tap'
import {
  call,
  drained,
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
  unlike,
} from '../helper.ts'

const app = await setUp(t)
const [ann, ben, cho] = await Promise.all([
  signUp(app, 'Ann'),
  signUp(app, 'Ben'),
  signUp(app, '초희'),
])

const post = (as: User | undefined, body: object, headers = {}) =>
  call(app, 'POST /v1/tweets', { as, body, headers })
const get = (id: number, as?: User) => read(app, `/v1/tweets/${id}`, as)
const ids = (items: { id: number }[]) => items.map(({ id }) => id)

/** The counts of a tweet as the rows say. */
async function countRows(id: number) {
  const { likes, tweets } = app.tables
  const [liked] = await app.db.select({ n: count() }).from(likes).where(eq(likes.tweetId, id))
  const [retweeted] = await app.db
    .select({ n: count() })
    .from(tweets)
    .where(eq(tweets.retweetOfId, id))
  const [replied] = await app.db
    .select({ n: count() })
    .from(tweets)
    .where(sql`${tweets.replyToId} = ${id} AND ${tweets.deletedAt} IS NULL`)
  return { likeCount: liked?.n, retweetCount: retweeted?.n, replyCount: replied?.n }
}

const countsOf = ({ likeCount, retweetCount, replyCount }: Record<string, number>) => ({
  likeCount,
  retweetCount,
  replyCount,
})

t.test('a tweet shows its author, its counts and its Location', async (t) => {
  const { status, headers, body } = await post(ann, { text: 'hello, my first tweet' })
  t.equal(status, 201)
  t.equal(headers.location, `/v1/tweets/${body.id}`)
  t.match(body, {
    text: 'hello, my first tweet',
    author: { id: ann.id, handle: ann.handle, name: 'Ann', avatar: null },
    deleted: false,
    replyTo: null,
    retweetOf: null,
    likeCount: 0,
    retweetCount: 0,
    replyCount: 0,
    liked: false,
    retweeted: false,
    createdAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  })
  t.ok(Math.abs(Date.parse(body.createdAt) - Date.now()) < 60_000, 'the time is in UTC')
  t.strictSame(await get(body.id, ann), body, 'read is what was answered')
  t.notOk('liked' in (await get(body.id)), 'the public has no likes of its own')
})

t.test('a tweet has at most 300 code points after NFC', async (t) => {
  const korean = '힣'.repeat(300)
  const fits = {
    '300 letters': 'a'.repeat(300),
    '300 emoji': '🦜'.repeat(300),
    '300 syllables': korean,
    '300 syllables in NFD': korean.normalize('NFD'),
    'one character': '.',
    'newline and tab': 'one\n\ttwo',
    '300 with CRLF counted once': `${'a'.repeat(298)}\r\nb`,
  }
  for (const [what, text] of Object.entries(fits)) {
    const { status, body } = await post(ann, { text })
    t.equal(status, 201, what)
    t.equal(body.text, text.normalize('NFC').replaceAll('\r\n', '\n'), `${what}, kept`)
    t.equal((await get(body.id)).text, body.text, `${what}, stored`)
  }
  t.equal((await post(ann, { text: 'a\rb\r\nc' })).body.text, 'a\nb\nc')

  const refused = {
    '301 letters': 'a'.repeat(301),
    '301 emoji': '🦜'.repeat(301),
    '301 syllables in NFD': '힣'.repeat(301).normalize('NFD'),
    '1201 letters': 'a'.repeat(1201),
    empty: '',
    blanks: ' \t\n ',
    'a no-break space': '\u00a0\u3000',
    'a zero-width joiner': '\u200d\ufeff',
    NUL: 'a\u0000b',
    bell: 'a\u0007b',
    'a C1 control': 'a\u0085b',
    delete: 'a\u007fb',
    'a lone high surrogate': 'a\ud83d',
    'a lone low surrogate': '\udc00a',
    'not a string': 42,
    null: null,
  }
  const before = (await read(app, '/v1/users/me', ann)).tweetCount
  for (const [what, text] of Object.entries(refused)) {
    const { status, body, headers } = await post(ann, { text })
    t.equal(status, 400, what)
    t.match(headers['content-type'], 'application/problem+json')
    t.equal(body.code, 'VALIDATION_FAILED', what)
    t.equal(body.errors?.[0]?.path, '/body/text', `${what} names the field`)
  }
  t.equal((await post(ann, { text: 'a', colour: 'red' })).body.errors[0].path, '/body/colour')
  t.equal((await post(ann, {})).status, 400)
  t.equal((await read(app, '/v1/users/me', ann)).tweetCount, before, 'nothing was written')
  t.equal((await post(undefined, { text: 'a' })).status, 401)
})

t.test('replies refer to their parent and are counted', async (t) => {
  const parent = await tweet(app, ann, 'parent')
  const reply = await tweet(app, ben, 'reply', { replyToId: parent.id })
  t.match(reply.replyTo, { id: parent.id, deleted: false, author: { id: ann.id } })
  t.equal((await get(parent.id)).replyCount, 1)

  await retweet(app, cho, parent.id)
  const [shared] = (await read(app, `/v1/users/${cho.id}/tweets`)).items
  t.equal(shared.retweetOf.id, parent.id)
  const other = await tweet(app, ben, 'to the retweet', { replyToId: shared.id })
  t.equal(other.replyTo.id, parent.id, 'a reply to a retweet goes to its original')
  const below = await tweet(app, cho, 'to the reply', { replyToId: reply.id })
  t.equal(below.replyTo.id, reply.id)

  const { items } = await read(app, `/v1/tweets/${parent.id}/replies`)
  t.strictSame(ids(items), [other.id, reply.id])
  t.strictSame(countsOf(await get(parent.id)), await countRows(parent.id))

  await removeTweet(app, ben, other.id)
  t.strictSame(ids((await read(app, `/v1/tweets/${parent.id}/replies`)).items), [reply.id])
  t.strictSame(countsOf(await get(parent.id)), await countRows(parent.id))

  for (const replyToId of [999_999_999, other.id]) {
    const { status, body } = await post(ann, { text: 'lost', replyToId })
    t.equal(status, 404)
    t.equal(body.code, 'TWEET_NOT_FOUND')
  }
  for (const replyToId of [0, -1, 1.5, '1', 2 ** 53, null]) {
    const { status, body } = await post(ann, { text: 'odd', replyToId })
    t.equal(status, 400, `replyToId ${replyToId}`)
    t.equal(body.errors[0].path, '/body/replyToId')
  }
})

t.test('a deleted tweet leaves a tombstone', async (t) => {
  const parent = await tweet(app, ann, 'soon gone')
  const reply = await tweet(app, ben, 'still here', { replyToId: parent.id })
  await like(app, ben, parent.id)
  await retweet(app, ben, parent.id)

  const theirs = await call(app, `DELETE /v1/tweets/${parent.id}`, { as: ben })
  t.equal(theirs.status, 403)
  t.equal(theirs.body.code, 'NOT_YOUR_TWEET')
  t.equal((await call(app, `DELETE /v1/tweets/${parent.id}`)).status, 401)
  t.equal((await get(parent.id)).text, 'soon gone')

  const before = (await read(app, '/v1/users/me', ann)).tweetCount
  await removeTweet(app, ann, parent.id)
  t.equal((await read(app, '/v1/users/me', ann)).tweetCount, before - 1)
  t.match(await get(parent.id, ben), { id: parent.id, deleted: true, text: null, author: null })
  t.match((await get(reply.id)).replyTo, { id: parent.id, deleted: true, author: null })
  t.strictSame(ids((await read(app, `/v1/tweets/${parent.id}/replies`)).items), [reply.id])

  const [{ text } = { text: '' }] = await app.db
    .select({ text: app.tables.tweets.text })
    .from(app.tables.tweets)
    .where(eq(app.tables.tweets.id, parent.id))
  t.equal(text, null, 'the text is gone from the database')

  for (const line of [
    `DELETE /v1/tweets/${parent.id}`,
    `PUT /v1/tweets/${parent.id}/like`,
    `PUT /v1/tweets/${parent.id}/retweet`,
    'DELETE /v1/tweets/999999999',
    'GET /v1/tweets/999999999',
    'PUT /v1/tweets/999999999/like',
    'DELETE /v1/tweets/999999999/like',
    'PUT /v1/tweets/999999999/retweet',
    'DELETE /v1/tweets/999999999/retweet',
    'GET /v1/tweets/999999999/replies',
    'GET /v1/tweets/999999999/likes',
  ]) {
    const { status, body } = await call(app, line, { as: ann })
    t.equal(status, 404, line)
    t.equal(body.code, 'TWEET_NOT_FOUND', line)
  }

  await drained(app)
  const cleared = { likeCount: 0, retweetCount: 0, replyCount: 1 }
  t.strictSame(countsOf(await get(parent.id)), cleared, 'a job takes likes and retweets along')
  t.strictSame(await countRows(parent.id), cleared)
  const likes = await readAll(app, `/v1/users/${ben.id}/likes`)
  t.notOk(ids(likes).includes(parent.id))
  const own = await readAll(app, `/v1/users/${ben.id}/tweets`)
  t.notOk(own.some(({ retweetOf }) => retweetOf?.id === parent.id))
  t.equal((await read(app, '/v1/users/me', ben)).tweetCount, own.length)
})

t.test('likes are idempotent in any order', async (t) => {
  const { id } = await tweet(app, ann, 'like me')
  await like(app, ben, id)
  await like(app, ben, id)
  t.match(await get(id, ben), { likeCount: 1, liked: true })
  t.match(await get(id, cho), { likeCount: 1, liked: false })
  await like(app, ann, id)
  t.strictSame(ids((await read(app, `/v1/tweets/${id}/likes`)).items), [ann.id, ben.id])
  await unlike(app, ben, id)
  await unlike(app, ben, id)
  t.match(await get(id, ben), { likeCount: 1, liked: false })
  await unlike(app, cho, id)
  t.strictSame(countsOf(await get(id)), await countRows(id))
  t.strictSame(ids((await read(app, `/v1/users/${ann.id}/likes`)).items), [id])
  t.strictSame(ids((await read(app, `/v1/users/${ben.id}/likes`)).items), [])
})

t.test('concurrent and repeated likes are counted exactly', async (t) => {
  const { id } = await tweet(app, ann, 'popular')
  const people = await Promise.all(Array.from({ length: 30 }, () => signUp(app, 'Fan')))
  await Promise.all(
    people.flatMap((person) => [
      like(app, person, id),
      retweet(app, person, id),
      tweet(app, person, 'me too', { replyToId: id }),
    ]),
  )
  const thirty = { likeCount: 30, retweetCount: 30, replyCount: 30 }
  t.strictSame(countsOf(await get(id)), thirty)
  t.strictSame(await countRows(id), thirty)

  await Promise.all(people.slice(0, 10).map((person) => unlike(app, person, id)))
  await Promise.all(Array.from({ length: 30 }, () => like(app, ben, id)))
  await Promise.all(Array.from({ length: 30 }, () => retweet(app, ben, id)))
  t.match(await get(id, ben), { likeCount: 21, retweetCount: 31, liked: true, retweeted: true })
  await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? like : unlike)(app, ben, id)))
  t.strictSame(countsOf(await get(id)), await countRows(id))
  await app.tweets.counts.rollUp()
  t.strictSame(countsOf(await get(id)), await countRows(id), 'after the roll-up as before')

  t.equal((await readAll(app, `/v1/tweets/${id}/likes`)).length, (await get(id)).likeCount)
  t.equal((await readAll(app, `/v1/tweets/${id}/replies`, ann, 9)).length, 30)
})

t.test('retweets point at the original', async (t) => {
  const original = await tweet(app, ann, 'worth sharing')
  const before = (await read(app, '/v1/users/me', ben)).tweetCount
  await retweet(app, ben, original.id)
  await retweet(app, ben, original.id)
  t.match(await get(original.id, ben), { retweetCount: 1, retweeted: true, liked: false })
  t.equal((await read(app, '/v1/users/me', ben)).tweetCount, before + 1)
  const [shared] = (await read(app, `/v1/users/${ben.id}/tweets`, cho)).items
  t.match(shared, {
    text: null,
    author: { id: ben.id },
    retweetOf: { id: original.id, text: 'worth sharing', author: { id: ann.id }, liked: false },
  })
  t.strictSame((await get(shared.id, cho)).retweetOf, await bodyOf(original.id, cho))

  await like(app, cho, shared.id)
  t.match(await get(original.id, cho), { likeCount: 1, liked: true })
  await retweet(app, cho, shared.id)
  const [again] = (await read(app, `/v1/users/${cho.id}/tweets`)).items
  t.equal(again.retweetOf.id, original.id, 'the original, not the retweet')
  t.equal((await get(original.id)).retweetCount, 2)
  await unlike(app, cho, again.id)
  t.match(await get(original.id, cho), { likeCount: 0, liked: false })

  await undoRetweet(app, cho, shared.id)
  t.equal((await call(app, `GET /v1/tweets/${again.id}`)).status, 404, 'undone is gone')
  await undoRetweet(app, cho, original.id)
  t.equal((await call(app, `DELETE /v1/tweets/${shared.id}`, { as: ann })).status, 403)
  await removeTweet(app, ben, shared.id)
  t.match(await get(original.id, ben), { retweetCount: 0, retweeted: false })
  t.equal((await call(app, `GET /v1/tweets/${shared.id}`)).status, 404)
  t.equal((await read(app, '/v1/users/me', ben)).tweetCount, before)
  t.strictSame(countsOf(await get(original.id)), await countRows(original.id))
})

async function bodyOf(id: number, as: User) {
  const { retweetOf, ...body } = await get(id, as)
  return body
}

t.test('lists are paged newest first, each with its own cursors', async (t) => {
  const dan = await signUp(app, 'Dan')
  const parent = await tweet(app, dan, 'first of all')
  const written = [parent.id]
  for (let n = 1; n < 12; n++) {
    written.unshift((await tweet(app, dan, `${n}`, { replyToId: parent.id })).id)
    await like(app, dan, written[0] ?? 0)
  }
  await retweet(app, dan, parent.id)

  const lists: Record<string, number[]> = {
    [`/v1/users/${dan.id}/likes`]: written.slice(0, -1),
    [`/v1/tweets/${parent.id}/replies`]: written.slice(0, -1),
  }
  for (const [path, expected] of Object.entries(lists)) {
    for (const limit of [1, 4, 11, 100]) {
      t.strictSame(ids(await readAll(app, path, undefined, limit)), expected, `${path} by ${limit}`)
    }
  }
  const own = await readAll(app, `/v1/users/${dan.id}/tweets`, undefined, 5)
  t.strictSame(ids(own.slice(1)), written)
  t.equal(own[0].retweetOf.id, parent.id)
  const everyones = await readAll(app, '/v1/tweets', ann, 50)
  t.strictSame(ids(everyones.slice(0, 12)), written, "everyone's tweets, without retweets")
  t.strictSame(
    ids(everyones),
    ids(everyones).sort((a, b) => b - a),
  )
  t.equal(new Set(ids(everyones)).size, everyones.length)

  const page = await call(app, `GET /v1/users/${dan.id}/likes?limit=3`)
  t.equal(
    page.headers.link,
    `</v1/users/${dan.id}/likes?limit=3&cursor=${page.body.nextCursor}>; rel="next"`,
  )
  const last = await call(app, `GET /v1/users/${dan.id}/likes?limit=11`)
  t.equal(last.body.nextCursor, null, 'a full last page says so')
  t.equal(last.headers.link, undefined)
  t.equal((await read(app, '/v1/tweets')).items.length, 20, 'twenty unless told')

  const foreign = page.body.nextCursor
  const bad = {
    'of another list': [`/v1/users/${dan.id}/tweets`, foreign],
    'of the same list of another user': [`/v1/users/${ann.id}/likes`, foreign],
    'of no list': ['/v1/tweets', foreign],
    'not base64': ['/v1/tweets', '%25%25%25'],
    'no number': ['/v1/tweets', Buffer.from('tweets:x').toString('base64url')],
    'a negative number': ['/v1/tweets', Buffer.from('tweets:-1').toString('base64url')],
    'a huge number': ['/v1/tweets', Buffer.from(`tweets:${2n ** 53n}`).toString('base64url')],
    empty: ['/v1/tweets', ''],
    'of replies': [`/v1/tweets/${parent.id}/replies`, foreign],
    'of likers': [`/v1/tweets/${parent.id}/likes`, foreign],
  }
  for (const [what, [path, cursor]] of Object.entries(bad)) {
    const { status, body } = await call(app, `GET ${path}?cursor=${cursor}`)
    t.equal(status, 400, `a cursor ${what}`)
    t.equal(body.code, 'INVALID_CURSOR', `a cursor ${what}`)
  }
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'limit=1.5', 'offset=3']) {
    t.equal((await call(app, `GET /v1/tweets?${query}`)).status, 400, query)
  }
  for (const id of ['0', '-1', '1.5', 'x', '9007199254740993', '%00']) {
    t.equal((await call(app, `GET /v1/tweets/${id}`)).status, 400, `id ${id}`)
  }
})

t.test('pages are stable while others tweet and delete', async (t) => {
  const eve = await signUp(app, 'Eve')
  const written: number[] = []
  for (let n = 0; n < 6; n++) written.unshift((await tweet(app, eve, `${n}`)).id)
  const path = `/v1/users/${eve.id}/tweets?limit=2`
  const first = await read(app, path)
  await tweet(app, eve, 'newer')
  await removeTweet(app, eve, written[1] ?? 0)
  await removeTweet(app, eve, written[2] ?? 0)
  const second = await read(app, `${path}&cursor=${first.nextCursor}`)
  t.strictSame(ids(first.items), written.slice(0, 2))
  t.strictSame(ids(second.items), written.slice(3, 5))
})

t.test('an Idempotency-Key makes POST repeatable', async (t) => {
  const key = { 'idempotency-key': 'a key of mine' }
  const before = (await read(app, '/v1/users/me', ann)).tweetCount
  const first = await post(ann, { text: 'once' }, key)
  const second = await post(ann, { text: 'once' }, key)
  t.equal(second.status, 201)
  t.strictSame(second.body, first.body, 'a repeat gets the first answer')
  t.equal(second.headers.location, first.headers.location)

  const other = await post(ann, { text: 'twice' }, key)
  t.equal(other.status, 422)
  t.equal(other.body.code, 'IDEMPOTENCY_KEY_REUSED')

  const theirs = await post(ben, { text: 'once' }, key)
  t.equal(theirs.status, 201)
  t.not(theirs.body.id, first.body.id, 'the same key of another user is another key')

  const twice = await Promise.all(
    Array.from({ length: 6 }, () => post(ann, { text: 'at once' }, { 'idempotency-key': 'k2' })),
  )
  t.strictSame([...new Set(twice.map(({ status }) => status))], [201])
  t.equal(new Set(twice.map(({ body }) => body.id)).size, 1, 'at once: one tweet')
  t.equal((await read(app, '/v1/users/me', ann)).tweetCount, before + 2)

  t.equal((await post(ann, { text: ' ' }, { 'idempotency-key': 'k3' })).status, 400)
  t.equal((await post(ann, { text: 'mended' }, { 'idempotency-key': 'k3' })).status, 201)
  const long = { 'idempotency-key': 'k'.repeat(256) }
  t.equal((await post(ann, { text: 'long key' }, long)).status, 400)
  t.equal((await post(undefined, { text: 'once' }, key)).status, 401)
})

t.test('tweets across a block can be neither liked, replied to nor retweeted', async (t) => {
  const [fay, gus] = await Promise.all([signUp(app, 'Fay'), signUp(app, 'Gus')])
  const { id } = await tweet(app, fay, 'private')
  await like(app, gus, id)
  await relate(app, fay, 'block', gus)
  for (const [as, target] of [
    [gus, id],
    [fay, (await tweet(app, gus, 'mine')).id],
  ] as const) {
    for (const verb of ['like', 'retweet']) {
      t.equal((await call(app, `PUT /v1/tweets/${target}/${verb}`, { as })).status, 404)
    }
    t.equal((await post(as, { text: 'ha', replyToId: target })).status, 404)
    t.equal((await call(app, `DELETE /v1/tweets/${target}`, { as })).status, 404, 'not even 403')
  }
  await unlike(app, gus, id)
  t.equal((await get(id)).likeCount, 0, 'taking back works')
})

t.test('replies and likes of a retweet are those of its original', async (t) => {
  const app = await setUp(t)
  const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]
  const original = await tweet(app, ann, 'original')
  const reply = await tweet(app, ben, 'reply', { replyToId: original.id })
  await like(app, ben, original.id)
  await retweet(app, ben, original.id)
  const [shared] = (await read(app, `/v1/users/${ben.id}/tweets`)).items
  t.equal(shared.retweetOf.id, original.id)
  const ids = (items: { id: number }[]) => items.map(({ id }) => id)
  t.strictSame(ids((await read(app, `/v1/tweets/${shared.id}/replies`)).items), [reply.id])
  t.strictSame(ids((await read(app, `/v1/tweets/${shared.id}/likes`)).items), [ben.id])
})

t.test('an author who deletes the account while a list is read is left out of it', async (t) => {
  const app = await setUp(t)
  const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]
  const kept = await tweet(app, ann)
  await tweet(app, ben)
  const { visible } = app.tweets.visibility
  const rows = await visible({ limit: 10 })
  t.equal(rows.length, 2)
  await call(app, 'DELETE /v1/users/me', { as: ben, body: { password: ben.password } })
  const shown = await app.tweets.hydrate(rows)
  t.strictSame(
    shown.map(({ id }) => id),
    [kept.id],
  )
})
