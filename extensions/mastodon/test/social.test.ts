import { drained, relate, signUp, tweet } from 'birdhouse/testing'
import { eq } from 'drizzle-orm'
import t from 'tap'
import { listening } from './client.ts'

// Clients ask for more than timelines: people to follow, reports, hashtags, languages, and what is refused.

const { app, tokenOf, call } = await listening(t)
const person = () => signUp(app)

t.test('suggestions are people followed by followees, then people followed by many', async (t) => {
  const [ann, ben, cho, dan] = [await person(), await person(), await person(), await person()]
  const [often, twice, blocking] = [await person(), await person(), await person()]
  const [limited, muted] = [await person(), await person()]
  for (const friend of [ben, cho]) await relate(app, ann, 'follow', friend)
  for (const followed of [twice, blocking, limited, muted, ann, cho])
    for (const friend of [ben, cho])
      if (friend !== followed) await relate(app, friend, 'follow', followed)
  for (const stranger of [dan, ben]) await relate(app, stranger, 'follow', often)
  await relate(app, blocking, 'block', ann)
  await relate(app, ann, 'mute', muted)
  await app.moderation.actOn('limit', { userId: limited.id, reason: 'Advertising' })
  const [shy, unseen] = [await person(), { discoverable: false }]
  for (const friend of [ben, cho]) await relate(app, friend, 'follow', shy)
  await call('PATCH /api/v1/accounts/update_credentials', await tokenOf(shy), unseen)
  const token = await tokenOf(ann)
  const suggested = async (more = '') =>
    (await call(`GET /api/v2/suggestions${more}`, token)).body.map(
      (one: { account: { acct: string }; sources: string[] }) => [one.account.acct, ...one.sources],
    )
  t.strictSame(await suggested(), [
    [twice.handle, 'friends_of_friends'],
    [often.handle, 'friends_of_friends'],
  ])
  t.equal((await call(`DELETE /api/v1/suggestions/${twice.id}`, token)).status, 200)
  t.strictSame(await suggested(), [[often.handle, 'friends_of_friends']])
  const fresh = await tokenOf(dan)
  const { body } = await call('GET /api/v1/suggestions?limit=1', fresh)
  t.equal(body.length, 1)
  const all = (await call('GET /api/v2/suggestions', fresh)).body
  t.ok(all.every((one: { sources: string[] }) => one.sources[0] === 'most_followed'))
  t.notOk(JSON.stringify(all).includes(`"${often.handle}"`), 'he follows them already')
})

t.test('a report of statuses or of an account reaches the moderators', async (t) => {
  const [ann, eve] = [await person(), await person()]
  const [first, second] = [await tweet(app, eve, 'one'), await tweet(app, eve, 'two')]
  const mine = await tweet(app, ann, 'mine')
  await relate(app, ann, 'block', eve)
  await relate(app, eve, 'block', ann)
  const token = await tokenOf(ann)
  const report = (body: object) => call('POST /api/v1/reports', token, body)
  const account_id = String(eve.id)
  const status_ids = [first.id, second.id].map(String)
  const made = await report({ account_id, status_ids, comment: 'See these', category: 'spam' })
  t.match(made, {
    status: 200,
    body: {
      category: 'spam',
      status_ids,
      comment: 'See these',
      target_account: { id: account_id },
    },
  })
  t.match(await report({ account_id, category: 'violation', rule_ids: ['1'], forward: false }), {
    body: { category: 'violation', action_taken: false },
  })
  t.match(await report({ account_id, category: 'constructor' }), { body: { category: 'other' } })
  t.equal((await report({ account_id, status_ids: [String(mine.id)] })).status, 404)
  t.equal((await report({ account_id: String(ann.id) })).status, 400)
  const { items } = await app.moderation.reports({ state: 'open', accountId: eve.id }, { limit: 9 })
  t.match(
    items.map(({ target, category, text }) => [target.kind, target.id, category, text]),
    [
      ['tweet', first.id, 'spam', 'See these'],
      ['tweet', second.id, 'spam', 'See these'],
      ['account', eve.id, 'other', ''],
    ],
  )
  const { moderationReports: reports } = app.tables
  const earlier = {
    reporterId: ann.id,
    accountId: eve.id,
    targetKind: 'tweet',
    category: 'spam',
    text: '',
  }
  await app.db
    .insert(reports)
    .values(Array.from({ length: 46 }, (_, n) => ({ ...earlier, targetId: 9_000 + n })))
  const third = await tweet(app, eve, 'three')
  const more = [await tweet(app, eve, 'four'), third].map(({ id }) => String(id))
  t.equal((await report({ account_id, status_ids: more })).status, 429, 'the 51st in a day')
  const rows = await app.db.select().from(reports).where(eq(reports.reporterId, ann.id))
  t.equal(rows.length, 49, 'neither of both is made')
})

t.test(
  'the language of a status is kept, and its length is counted as clients count it',
  async (t) => {
    const token = await tokenOf(await person())
    const post = (status: string, language?: string) =>
      call('POST /api/v1/statuses', token, { status, ...(language !== undefined && { language }) })
    t.match(await post('Bonjour', 'FR'), { status: 200, body: { language: 'fr' } })
    t.match(await post('Hello', ''), { status: 200, body: { language: null } })
    t.equal((await post('Hello', 'not a language')).status, 422)
    const link = `https://birds.example/${'a'.repeat(200)}`
    t.equal((await post(`${'a'.repeat(276)} ${link}`)).status, 200)
    t.equal((await post(`${'a'.repeat(277)} ${link}`)).status, 400)
    t.equal((await post('👨‍👩‍👧‍👦'.repeat(150))).status, 200)
    t.equal((await post('👨‍👩‍👧‍👦'.repeat(200))).status, 400, 'more code points than are stored')
    t.equal((await post(`a${'\u0301'.repeat(1_100)}`)).status, 200)
    t.equal((await post(`${'b'.repeat(250)}${'\u0301'.repeat(900)}`)).status, 400)
  },
)

t.test('a status has a source and one version; what is missing is refused in words', async (t) => {
  const token = await tokenOf(await person())
  const { id } = (await call('POST /api/v1/statuses', token, { status: 'a & b' })).body
  const at = `/api/v1/statuses/${id}`
  t.match((await call(`GET ${at}/source`, token)).body, { id, text: 'a & b', spoiler_text: '' })
  t.match((await call(`GET ${at}/history`, token)).body, [{ content: '<p>a &#38; b</p>' }])
  for (const [line, fields] of [
    [`PUT ${at}`, {}],
    ...['pin', 'unpin', 'mute', 'unmute'].map((act) => [`POST ${at}/${act}`, {}]),
    ...['follow', 'unfollow'].map((act) => [`POST /api/v1/tags/birds/${act}`, {}]),
    [`POST ${at}/reblog`, { visibility: 'private' }],
    ['POST /api/v1/accounts/1/mute', { duration: 60 }],
    ['POST /api/v1/accounts/1/note', { comment: 'x' }],
    ['POST /api/v1/filters', { phrase: 'x' }],
    ['POST /api/v1/lists', { title: 'x' }],
    ['PATCH /api/v2/notifications/policy', {}],
    ['POST /api/v1/statuses', { status: 'This', quoted_status_id: id }],
  ] as [string, object][])
    t.match(await call(line, token, fields), { status: 422, body: { error: /here|supported/ } })
  t.match(await call('POST /api/v1/accounts', undefined, { username: 'x' }), {
    status: 422,
    body: { error: /\/join\.$/ },
  })
  t.match((await call(`GET ${at}`, token)).body, { reblogs_count: 0 })
  t.equal((await call(`POST ${at}/reblog`, token)).status, 200)
  const post = { status: 'No poll', poll: {}, quote_id: null }
  t.equal((await call('POST /api/v1/statuses', token, post)).status, 200)
  t.match((await call('GET /api/v1/tags/birds')).body, { name: 'birds', following: false })
})

t.test('people and statuses are found by many ids and by address', async (t) => {
  const [ann, ben] = [await person(), await person()]
  const token = await tokenOf(ann)
  const get = async (path: string) => (await call(`GET /api${path}`, token)).body
  const idsOf = (items: { id: string }[]) => items.map(({ id }) => Number(id))
  const [one, two] = [await tweet(app, ann, 'one'), await tweet(app, ben, 'two')]
  const many = (ids: number[]) => ids.map((id) => `id[]=${id}`).join('&')
  t.strictSame(idsOf(await get(`/v1/accounts?${many([ben.id, ann.id, 9_999])}`)), [ben.id, ann.id])
  t.strictSame(idsOf(await get(`/v1/statuses?${many([two.id, one.id, 9_999])}`)), [two.id, one.id])
  t.strictSame(await get(`/v1/accounts/familiar_followers?${many([ben.id])}`), [
    { id: String(ben.id), accounts: [] },
  ])
  const { url } = await get(`/v1/accounts/${ben.id}`)
  t.strictSame(idsOf((await get(`/v2/search?resolve=true&q=${url}`)).accounts), [ben.id])
  t.strictSame((await get(`/v2/search?q=${url}x`)).accounts, [])
  t.strictSame(await get(`/v1/accounts/search?q=${ben.handle}&offset=1`), [])
  t.equal((await call('GET /api/v1/trends/tags?limit=40&offset=20')).status, 200)
  t.equal((await call('GET /api/v1/suggestions?limit=0', token)).status, 200)
})

t.test('the list of an account without replies has its threads, and may be of a tag', async (t) => {
  const [ann, ben] = [await person(), await person()]
  const first = await tweet(app, ann, 'A thread #sea')
  const second = await tweet(app, ann, 'and more', { replyToId: first.id })
  const theirs = await tweet(app, ben, 'Hm')
  await tweet(app, ann, 'No', { replyToId: theirs.id })
  await drained(app)
  const list = async (query: string) =>
    (await call(`GET /api/v1/accounts/${ann.id}/statuses?${query}`)).body.map(
      ({ id }: { id: string }) => Number(id),
    )
  t.strictSame(await list('exclude_replies=true'), [second.id, first.id])
  t.strictSame(await list('tagged=Sea'), [first.id])
})

t.test('the instance says how people sign up', async (t) => {
  const { body } = await call('GET /api/v2/instance')
  t.match(body.registrations, { enabled: true, approval_required: false, url: /\/join$/ })
  t.match((await call('GET /api/v1/instance')).body, { registrations: true })
  const { content } = (await call('GET /api/v1/instance/extended_description')).body
  t.match(content, '<p>')
})
