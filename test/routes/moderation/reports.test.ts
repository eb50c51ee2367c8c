import t from 'tap'
import { call, drained, read, relate, setUp, signUp, tweet, type User } from '../../helper.ts'
import { formOf, newMedia, plain, sendForm } from '../../multipart.ts'

const app = await setUp(t)
const [mod, mod2, person, fan] = (await Promise.all([1, 2, 3, 4].map(() => signUp(app)))) as [
  User,
  User,
  User,
  User,
]
for (const { id } of [mod, mod2]) await app.moderation.setRole(id, 'moderator')

const report = (as: User, kind: string, id: number, more = {}) =>
  call(app, 'POST /v1/reports', { as, body: { kind, id, category: 'spam', ...more } })
const queue = async (query = '') =>
  (await read(app, `/v1/admin/reports?limit=100${query}`, mod)).items
const close = (id: number, act: string, as = mod) =>
  call(app, `POST /v1/admin/reports/${id}/close`, { as, body: { act, reason: 'Advertising' } })

t.test('a report is in the queue once, however often it is sent', async (t) => {
  const { id } = await tweet(app, person, 'Buy my birds')
  const answers = await Promise.all([1, 2, 3].map(() => report(fan, 'tweet', id, { text: '광고' })))
  t.strictSame(new Set(answers.map(({ status }) => status)), new Set([201]))
  t.equal(new Set(answers.map(({ body }) => body.id)).size, 1)
  t.match(await queue(`&accountId=${person.id}`), [
    {
      target: { kind: 'tweet', id },
      account: { id: person.id, handle: person.handle },
      reporter: { id: fan.id },
      category: 'spam',
      text: '광고',
      tweetText: 'Buy my birds',
      closedAt: null,
      actId: null,
    },
  ])
})

t.test('a reporter sees their own reports and what became of them', async (t) => {
  const reporter = await signUp(app)
  const made: number[] = []
  for (const text of ['spam', 'no spam', 'perhaps spam']) {
    const { id } = await tweet(app, person, text)
    made.unshift((await report(reporter, 'tweet', id)).body.id)
  }
  const [open, dismissed = 0, removed = 0] = made
  t.equal((await close(dismissed, 'none')).status, 204)
  t.equal((await close(removed, 'remove')).status, 204)
  const first = await read(app, '/v1/reports?limit=2', reporter)
  const second = await read(app, `/v1/reports?cursor=${first.nextCursor}`, reporter)
  t.match(
    [...first.items, ...second.items],
    [
      { id: open, outcome: null, closedAt: null, category: 'spam', target: { kind: 'tweet' } },
      { id: dismissed, outcome: 'dismissed', closedAt: String },
      { id: removed, outcome: 'acted', closedAt: String },
    ],
  )
  t.strictSame((await read(app, '/v1/reports', person)).items, [], 'nobody else sees them')
})

t.test('what cannot be reported is refused', async (t) => {
  const own = await tweet(app, fan, 'mine')
  const deleted = await tweet(app, person, 'gone')
  await app.tweets.remove(deleted.id, person.id)
  t.match(await report(fan, 'tweet', own.id), { status: 400, body: { code: 'OWN_CONTENT' } })
  t.match(await report(fan, 'account', fan.id), { status: 400, body: { code: 'OWN_CONTENT' } })
  t.equal((await report(fan, 'tweet', deleted.id)).status, 404)
  t.equal((await report(fan, 'picture', 999_999)).status, 404)
  t.equal((await report(fan, 'account', 999_999)).status, 404)
  t.equal((await report(fan, 'bird', 1)).status, 400)
  t.equal((await report(fan, 'account', person.id, { category: 'dull' })).status, 400)
  t.equal((await report(fan, 'account', person.id, { text: '가'.repeat(1001) })).status, 400)
  t.match(await call(app, 'GET /v1/admin/reports', { as: fan }), { status: 403 })
})

t.test('an account makes at most 50 reports a day, even at once', async (t) => {
  const [eager, ...others] = await Promise.all(Array.from({ length: 53 }, () => signUp(app)))
  const answers = await Promise.all(others.map(({ id }) => report(eager as User, 'account', id)))
  const counts = Map.groupBy(answers, ({ status }) => status)
  t.equal(counts.get(201)?.length, 50)
  t.equal(counts.get(429)?.length, 2)
})

t.test('a block does not keep anyone from reporting', async (t) => {
  const [victim, bully] = [await signUp(app), await signUp(app)]
  const { id } = await tweet(app, bully, 'an insult')
  await relate(app, bully, 'block', victim)
  t.equal((await report(victim, 'tweet', id, { category: 'harassment' })).status, 201)
  t.equal((await report(victim, 'account', bully.id)).status, 201)
})

t.test('an act closes all reports of its target, and one of two moderators wins', async (t) => {
  const author = await signUp(app)
  const { id } = await tweet(app, author, 'Buy now')
  const first = await report(fan, 'tweet', id)
  await report(person, 'tweet', id)
  t.match(await close(first.body.id, 'dull'), { status: 400 })
  const answers = await Promise.all([mod, mod2].map((as) => close(first.body.id, 'remove', as)))
  t.strictSame(answers.map(({ status }) => status).sort(), [204, 409])
  t.match(answers.find(({ status }) => status === 409)?.body, { code: 'REPORT_CLOSED' })
  t.match(await read(app, `/v1/tweets/${id}`), { deleted: true })
  t.strictSame(await queue(`&accountId=${author.id}`), [])
  const closed = await queue(`&accountId=${author.id}&state=closed`)
  t.equal(closed.length, 2)
  t.equal(closed[0].actId, closed[1].actId)

  await drained(app)
  const { items } = await read(app, '/v1/notifications', author)
  t.match(items, [{ kind: 'moderation', subjectId: closed[0].actId, people: [{ id: author.id }] }])
  const acts = await read(app, '/v1/moderation/acts', author)
  t.match(acts.items, [{ act: 'remove-tweet', target: { kind: 'tweet', id }, appeal: null }])
  t.notOk(JSON.stringify(acts).includes(mod.handle), 'the moderator is not named')
})

t.test('reports are dismissed, made again later, and closed by a suspension', async (t) => {
  const author = await signUp(app)
  const first = await report(fan, 'account', author.id)
  t.equal((await close(first.body.id, 'none')).status, 204)
  t.equal((await close(first.body.id, 'none')).status, 409)
  t.equal((await close(999_999, 'none')).status, 404)
  const again = await report(fan, 'account', author.id)
  t.not(again.body.id, first.body.id)
  t.match(await close(again.body.id, 'remove'), { status: 400, body: { code: 'NOT_REMOVABLE' } })
  t.equal((await close(again.body.id, 'suspend')).status, 204)
  t.equal((await call(app, `GET /v1/users/${author.id}`)).status, 404)

  const own = await report(fan, 'account', mod.id)
  t.match(await close(own.body.id, 'none'), { status: 403, body: { code: 'NOT_ON_YOURSELF' } })
})

t.test('pictures are removed from tweets and profiles', async (t) => {
  const author = await signUp(app)
  const remove = (line: string) =>
    call(app, `POST /v1/admin/${line}/remove`, { as: mod, body: { reason: 'Illegal' } })
  const [one, two] = [
    await newMedia(app, author, await plain()),
    await newMedia(app, author, await plain()),
  ]
  const both = await tweet(app, author, 'words', { mediaIds: [one.id, two.id] })
  t.equal((await report(fan, 'picture', one.id)).status, 201)
  t.equal((await remove(`media/${one.id}`)).status, 204)
  t.equal((await remove(`media/${one.id}`)).status, 404)
  const shown = await read(app, `/v1/tweets/${both.id}`)
  t.strictSame(
    shown.media.map(({ id }: { id: number }) => id),
    [two.id],
  )

  const three = await newMedia(app, author, await plain())
  const wordless = await tweet(app, author, '', { mediaIds: [three.id] })
  t.equal((await remove(`media/${three.id}`)).status, 204)
  t.match(await read(app, `/v1/tweets/${wordless.id}`), { deleted: true })

  for (const kind of ['avatar', 'header']) {
    await sendForm(app, author, formOf(await plain()), `PUT /v1/users/me/${kind}`)
    t.equal((await remove(`users/${author.id}/${kind}`)).status, 204)
    t.equal((await call(app, `GET /v1/users/${author.id}/${kind}`)).status, 404)
    t.equal((await remove(`users/${author.id}/${kind}`)).status, 404)
  }
})

t.test('reports by and about an erased account are erased', async (t) => {
  const [reporter, author] = [await signUp(app), await signUp(app)]
  await report(reporter, 'account', person.id)
  await report(fan, 'account', author.id, { text: 'about the erased' })
  const dismissed = await report(mod2, 'account', author.id)
  t.equal((await close(dismissed.body.id, 'none')).status, 204)
  const reasons = () => app.db.select().from(app.tables.moderationReasons)
  t.ok((await reasons()).some(({ accountId }) => accountId === author.id))
  t.strictSame((await read(app, '/v1/moderation/acts', author)).items, [], 'the owner is not told')
  for (const as of [reporter, author]) {
    const body = { password: as.password }
    t.equal((await call(app, 'DELETE /v1/users/me', { as, body })).status, 204)
  }
  await drained(app)
  const rows = await app.db.select().from(app.tables.moderationReports)
  const left = rows.filter(
    ({ reporterId, accountId }) => reporterId === reporter.id || accountId === author.id,
  )
  t.strictSame(left, [])
  t.notOk((await reasons()).some(({ accountId }) => accountId === author.id))
})

t.test('a profile picture is reported and removed', async (t) => {
  const owner = await signUp(app)
  t.match(await report(fan, 'avatar', owner.id), {
    status: 404,
    body: { code: 'TARGET_NOT_FOUND' },
  })
  for (const kind of ['avatar', 'header']) {
    await sendForm(app, owner, formOf(await plain()), `PUT /v1/users/me/${kind}`)
    t.equal((await report(owner, kind, owner.id)).status, 400, 'not the own one')
    const { status, body } = await report(fan, kind, owner.id)
    t.match({ status, body }, { status: 201, body: { target: { kind, id: owner.id } } })
    t.equal((await close(body.id, 'remove')).status, 204)
    t.equal((await read(app, `/v1/users/${owner.id}`))[kind], null)
  }
})
