import t from 'tap'
import { decodeCursor, encodeCursor, positionOf, toPage } from '../../plugins/pagination.ts'
import { call, read, readAll, relate, setUp, signUp, tweet } from '../helper.ts'

const app = await setUp(t)
const author = await signUp(app, 'Author')
const ids: number[] = []
for (let n = 0; n < 12; n++) ids.unshift((await tweet(app, author, `tweet ${n}`)).id)
const path = `/v1/users/${author.id}/tweets`
const idsOf = (items: { id: number }[]) => items.map(({ id }) => id)

t.test('pages of any size add up to the whole list, newest first', async (t) => {
  for (const limit of [1, 2, 3, 4, 5, 11, 12, 13, 100]) {
    t.strictSame(idsOf(await readAll(app, path, undefined, limit)), ids, `by ${limit}`)
  }
  const whole = await read(app, path)
  t.equal(whole.items.length, 12)
  t.equal(whole.nextCursor, null)
  const exact = await call(app, `GET ${path}?limit=12`)
  t.equal(exact.body.nextCursor, null, 'a full last page is the last one')
  t.notOk('link' in exact.headers)
  t.equal((await read(app, `${path}?limit=11`)).items.length, 11)
})

t.test('a page has 20 items by default', async (t) => {
  const prolific = await signUp(app, 'Prolific')
  for (let n = 0; n < 21; n++) await tweet(app, prolific)
  const page = await read(app, `/v1/users/${prolific.id}/tweets`)
  t.equal(page.items.length, 20)
  t.ok(page.nextCursor)
})

t.test('the Link header leads to the next page', async (t) => {
  let url = `${path}?limit=5`
  const seen: number[] = []
  for (let pages = 0; url && pages < 10; pages++) {
    const { body, headers } = await call(app, `GET ${url}`)
    seen.push(...idsOf(body.items))
    const link = headers.link?.toString().match(/^<(\/[^>]+)>; rel="next"$/)
    t.equal(Boolean(link), body.nextCursor !== null)
    url = link?.[1] ?? ''
  }
  t.strictSame(seen, ids)
})

t.test('concurrent writes neither repeat nor hide items', async (t) => {
  const first = await read(app, `${path}?limit=4`)
  const late = await tweet(app, author, 'meanwhile')
  const second = await read(app, `${path}?limit=4&cursor=${first.nextCursor}`)
  t.strictSame(idsOf([...first.items, ...second.items]), ids.slice(0, 8))
  t.equal((await read(app, `${path}?limit=1`)).items[0].id, late.id)
})

t.test('a cursor of another list is rejected', async (t) => {
  const { nextCursor } = await read(app, `${path}?limit=3`)
  const fan = await signUp(app, 'Fan')
  for (const follower of [fan, await signUp(app, 'Fan too')]) {
    await relate(app, follower, 'follow', author)
  }
  const followers = await read(app, `/v1/users/${author.id}/followers?limit=1`)
  const made = (text: string) => Buffer.from(text).toString('base64url')
  const name = Buffer.from(nextCursor, 'base64url').toString().split(':').slice(0, -1).join(':')
  t.equal((await call(app, `GET ${path}?cursor=${made(`${name}:5`)}`)).status, 200)
  const bad = [
    '',
    'x',
    '0',
    '%00',
    '%F0%9F%91%8B',
    'x'.repeat(201),
    followers.nextCursor,
    nextCursor.slice(1),
    nextCursor.slice(0, -4),
    `${nextCursor}!`,
    `${nextCursor}=`,
    `%20${nextCursor}`,
    made(name),
    made(`${name}:`),
    made(`${name}:-5`),
    made(`${name}:1e3`),
    made(`${name}:05`),
    made(`${name}:5 `),
    made(`${name}:9007199254740993`),
    made(`${name}:${'9'.repeat(30)}`),
    made(`${name}:5 OR 1=1`),
  ]
  for (const cursor of bad) {
    const { status, headers, body } = await call(app, `GET ${path}?cursor=${cursor}`)
    t.equal(status, 400, cursor)
    t.match(headers['content-type'], 'application/problem+json')
    t.match(body.code, /^(INVALID_CURSOR|VALIDATION_FAILED)$/, cursor)
  }
  const lists = ['/v1/tweets', `/v1/users/${author.id}/likes`, `/v1/users/${author.id}/following`]
  for (const other of lists) {
    const { status, body } = await call(app, `GET ${other}?cursor=${followers.nextCursor}`)
    t.equal(status, 400, other)
    t.equal(body.code, 'INVALID_CURSOR')
  }
  const twice = await call(app, `GET ${path}?cursor=${nextCursor}&cursor=${nextCursor}`)
  t.equal(twice.status, 400)
})

t.test('a limit is a whole number from 1 to 100', async (t) => {
  for (const limit of [
    '0',
    '-1',
    '101',
    '1.5',
    'x',
    '',
    'null',
    '1e9',
    '9007199254740993',
    '%00',
  ]) {
    const { status, body } = await call(app, `GET ${path}?limit=${limit}`)
    t.equal(status, 400, limit)
    t.match(body.errors, [{ path: '/query/limit' }], limit)
  }
  t.equal((await call(app, `GET ${path}?limit=3&limit=4`)).status, 400)
  t.equal((await call(app, `GET ${path}?offset=3`)).status, 400)
})

t.test('a cursor is decoded to its position', async (t) => {
  for (const id of [0, 1, 42, Number.MAX_SAFE_INTEGER]) {
    t.equal(decodeCursor('list', encodeCursor('list', id)), id)
  }
  t.equal(decodeCursor('list', undefined), undefined)
  t.throws(() => decodeCursor('other', encodeCursor('list', 1)), /INVALID|cursor/)
  const page = toPage('list', [{ at: 9 }, { at: 7 }, { at: 4 }], 2, ({ at }) => at)
  const nextCursor = encodeCursor('list', 7)
  t.strictSame(page, { items: [{ at: 9 }, { at: 7 }], nextCursor, newest: 9 })
  t.equal(positionOf(nextCursor), 7)
  t.strictSame(
    toPage('list', [], 2, () => 0),
    { items: [], nextCursor: null, newest: undefined },
  )
})
