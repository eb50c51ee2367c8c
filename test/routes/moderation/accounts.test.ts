import { eq } from 'drizzle-orm'
import t from 'tap'
import { build } from '../../../app.ts'
import {
  call,
  drained,
  read,
  relate,
  retweet,
  settings,
  signUp,
  tweet,
  type User,
} from '../../helper.ts'

const env = await settings(t)
const [app, other] = await Promise.all([build(env), build(env)])
t.teardown(() => Promise.all([app.close(), other.close()]))
const [boss, mod, mod2] = (await Promise.all([1, 2, 3].map(() => signUp(app)))) as [
  User,
  User,
  User,
]
await app.moderation.setRole(boss.id, 'admin')
for (const { id } of [mod, mod2]) await app.moderation.setRole(id, 'moderator')

type Act = 'warn' | 'limit' | 'suspend' | 'restore'
const act = (as: User, name: Act, { id }: User, reason = 'Advertising', on = app) =>
  call(on, `POST /v1/admin/users/${id}/${name}`, { as, body: { reason } })
const login = ({ email, password }: User) =>
  call(app, 'POST /v1/auth/login', { body: { email, password } })

t.test(
  'a suspension ends the sessions, and a login says why only after the right password',
  async (t) => {
    const person = await signUp(app)
    t.equal((await act(mod, 'suspend', person, 'Advertising in replies')).status, 204)
    t.match(await call(app, 'GET /v1/users/me', { as: person }), {
      status: 401,
      body: { code: 'SESSION_REVOKED' },
    })
    t.match(await login(person), {
      status: 403,
      body: { code: 'ACCOUNT_SUSPENDED', detail: /suspended: Advertising in replies\. To appeal/ },
    })
    t.equal((await login({ ...person, password: 'another password' })).status, 401)
    const flat = await call(app, 'POST /login', {
      body: { email: person.email, password: person.password },
    })
    t.match(flat, { status: 403, body: /Advertising in replies/ })
    const { refreshToken } = person
    t.equal((await call(app, 'POST /v1/auth/refresh', { body: { refreshToken } })).status, 401)

    t.equal((await act(mod, 'restore', person)).status, 204)
    t.equal((await login(person)).status, 200)
  },
)

t.test('nobody can act with or on a suspended account', async (t) => {
  const [person, fan] = [await signUp(app), await signUp(app)]
  const { id } = await tweet(app, person, 'a tweet')
  await act(mod, 'suspend', person)
  for (const line of [
    `PUT /v1/users/${person.id}/follow`,
    `PUT /v1/tweets/${id}/like`,
    `PUT /v1/tweets/${id}/retweet`,
    `PUT /v1/tweets/${id}/bookmark`,
  ])
    t.equal((await call(app, line, { as: fan })).status, 404, line)
  const body = { text: 'a reply', replyToId: id }
  t.equal((await call(app, 'POST /v1/tweets', { as: fan, body })).status, 404)
  await t.rejects(app.tweets.create({ authorId: person.id, text: 'late' }), {
    code: 'USER_NOT_FOUND',
  })
  await t.rejects(app.auth.sessions.open(person.id, { ip: '127.0.0.1', userAgent: '' }), {
    code: 'USER_NOT_FOUND',
  })
})

t.test('a cached timeline of another process follows each act at once', async (t) => {
  const [reader, friend, author] = (await Promise.all([1, 2, 3].map(() => signUp(app)))) as [
    User,
    User,
    User,
  ]
  await relate(app, reader, 'follow', friend)
  await relate(app, reader, 'follow', author)
  const first = await tweet(app, author, 'a tweet')
  await retweet(app, friend, first.id)
  await drained(app)
  const page = async () => {
    const { items } = await read(other, '/v1/timeline', reader)
    return items.map((item: { id: number; author: User }) => item.author.id)
  }
  const before = await page()
  t.same(before, [friend.id], 'the retweet shows the tweet once')
  await act(mod, 'suspend', author)
  t.same(await page(), [])
  await act(mod, 'restore', author)
  t.same(await page(), before)

  await act(mod, 'limit', author)
  t.same(await page(), before, 'a follower sees the tweet')
  await app.graph.unfollow(reader.id, author.id)
  t.same(await page(), [], 'a stranger does not see the retweet')
  const second = await app.tweets.create({ authorId: author.id, text: 'retweeted at once' })
  await act(mod, 'restore', author)
  await retweet(app, friend, second.id)
  t.equal((await page()).length, 2)
  await act(mod, 'limit', author)
  t.same(await page(), [])
})

t.test('streams are told of tweets by the same rules', async (t) => {
  const [fan, stranger, friend, author] = (await Promise.all(
    [1, 2, 3, 4].map(() => signUp(app)),
  )) as [User, User, User, User]
  for (const one of [fan, stranger]) await relate(app, one, 'follow', friend)
  await relate(app, fan, 'follow', author)
  const original = await tweet(app, author, 'a tweet')
  await retweet(app, friend, original.id)
  await drained(app)
  const [{ id: retweetId }] = (await read(app, `/v1/users/${friend.id}/tweets`)).items
  const readers = async () => {
    const found = await app.timeline.readersOf([retweetId], [fan.id, stranger.id])
    return found.map(({ readerId }) => readerId).sort()
  }
  t.same(await readers(), [fan.id, stranger.id].sort())
  await act(mod, 'limit', author)
  t.same(await readers(), [fan.id])
  t.ok((await app.tweets.forReaders([retweetId])).has(retweetId))
  t.notOk((await app.tweets.byIds([retweetId])).has(retweetId))
  await act(mod, 'suspend', author)
  t.same(await readers(), [])
  t.notOk((await app.tweets.forReaders([retweetId])).has(retweetId))
})

t.test('a hashtag of limited and suspended authors does not trend', async (t) => {
  const authors = await Promise.all([1, 2, 3].map(() => signUp(app)))
  for (const one of authors) await tweet(app, one, '#spamtag')
  await drained(app)
  const count = async () => {
    const { items } = await read(app, '/v1/hashtags/trending')
    return items.find(({ tag }: { tag: string }) => tag === 'spamtag')?.authors
  }
  const before = await count()
  const [one, two] = authors as [User, User]
  await act(mod, 'limit', one)
  await act(mod, 'suspend', two)
  await tweet(app, one, '#spamtag again')
  await drained(app)
  const after = await count()
  t.strictSame([before, after], [3, 1])
})

t.test('one of two moderators wins, and the other is told', async (t) => {
  const person = await signUp(app)
  const answers = await Promise.all([
    act(mod, 'suspend', person),
    act(mod2, 'suspend', person, 'Advertising', other),
  ])
  t.strictSame(answers.map(({ status }) => status).sort(), [204, 409])
  t.match(answers.find(({ status }) => status === 409)?.body, {
    code: 'SAME_STATE',
    detail: 'The account is suspended already; another moderator may have been first.',
  })
  t.equal((await app.moderation.acts({ accountId: person.id }, { limit: 5 })).items.length, 1)
})

t.test(
  'acts are refused by role, on oneself, on the last administrator and without a reason',
  async (t) => {
    const person = await signUp(app)
    const refused = async (answer: ReturnType<typeof act>, status: number, code: string) =>
      t.match(await answer, { status, body: { code } }, code)
    await refused(act(person, 'suspend', mod), 403, 'ROLE_REQUIRED')
    await refused(act(mod, 'suspend', boss), 403, 'HIGHER_ROLE')
    await refused(act(mod, 'suspend', mod), 403, 'NOT_ON_YOURSELF')
    await refused(act(boss, 'suspend', boss), 403, 'NOT_ON_YOURSELF')
    await refused(act(mod, 'restore', person), 409, 'SAME_STATE')
    await refused(act(mod, 'warn', { ...person, id: 999_999 }), 404, 'USER_NOT_FOUND')
    for (const reason of ['', ' ', '\u200b', '가'.repeat(1001)])
      t.match(await act(mod, 'warn', person, reason), { status: 400 }, reason.slice(0, 3))
    await t.rejects(app.moderation.actOn('suspend', { userId: boss.id, reason: 'Gone' }), {
      code: 'LAST_ADMIN',
    })
    t.equal((await act(mod, 'warn', person, '가'.repeat(1000))).status, 204)

    t.equal((await act(boss, 'suspend', mod2)).status, 204)
    t.match(await call(app, `GET /v1/admin/users/${mod2.id}`, { as: mod }), {
      status: 200,
      body: { id: mod2.id, role: 'moderator', state: 'suspended', openReports: 0 },
    })
  },
)

t.test('a login during the suspension opens no session', async (t) => {
  const person = await signUp(app)
  const { open } = app.auth.sessions
  const answers = await Promise.all([login(person), act(mod, 'suspend', person), login(person)])
  for (const { status } of [answers[0], answers[2]]) t.ok([200, 403].includes(status), `${status}`)
  const { sessions } = app.tables
  const left = await app.db.select().from(sessions).where(eq(sessions.userId, person.id))
  t.strictSame(left, [])
  await t.rejects(open(person.id, { ip: '127.0.0.1', userAgent: '' }), { code: 'USER_NOT_FOUND' })
})
