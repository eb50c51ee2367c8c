import { setTimeout as sleep } from 'node:timers/promises'
import {
  type App,
  build,
  drained,
  like,
  relate,
  removeTweet,
  retweet,
  settings,
  signUp,
  tweet,
} from 'birdhouse/testing'
import { max, sql } from 'drizzle-orm'
import { createStreamingAPIClient, type mastodon } from 'masto'
import t from 'tap'
import { listening } from './client.ts'
import { connect, read, refusal } from './streams.ts'

// Posts are written by one process; apps listen to another one.

const env = { ...(await settings(t)), LIVE_STREAMS_PER_USER: '12' }
const { app, tokenOf, register, post, call } = await listening(t, env)
async function start(more = {}) {
  const started: App = await build({ ...env, ...more })
  t.teardown(() => started.close())
  return { app: started, url: await started.listen({ host: '127.0.0.1', port: 0 }) }
}
const { app: other, url } = await start()
const [ann, ben, eve] = [
  await signUp(app, 'Ann'),
  await signUp(app, 'Ben'),
  await signUp(app, 'Eve'),
]
await relate(app, ann, 'follow', ben)
const [token, ofBen] = [await tokenOf(ann), await tokenOf(ben)]

t.test('masto.js hears its user, everyone and a hashtag on one socket', async (t) => {
  const client = createStreamingAPIClient({ streamingApiUrl: url, accessToken: token })
  const heard = new Map<string, mastodon.streaming.Event[]>()
  const streams = {
    user: client.user.subscribe(),
    public: client.public.subscribe(),
    hashtag: client.hashtag.subscribe({ tag: 'birds' }),
  }
  for (const [name, stream] of Object.entries(streams)) {
    const events: mastodon.streaming.Event[] = []
    heard.set(name, events)
    void (async () => {
      for await (const event of stream) events.push(event)
    })()
  }
  const of = (name: string) => heard.get(name) ?? []
  const until = async (isThere: () => boolean) => {
    while (!isThere()) await sleep(20)
  }
  // A client is not told when its streams have begun.
  while ([...heard.values()].some((events) => events.length === 0)) {
    await tweet(app, ben, 'Anybody there? #birds')
    await sleep(200)
  }
  const mine = await tweet(app, ann, 'Mine')
  await like(app, eve, mine.id)
  await tweet(app, eve, `Yes, @${ann.handle}`, { replyToId: mine.id })
  const tagged = await tweet(app, eve, 'Look, #Birds')
  const has = (name: string, id: number) =>
    of(name).some(({ event, payload }) => event === 'update' && payload.id === String(id))
  await until(() => has('public', tagged.id) && has('hashtag', tagged.id) && has('user', mine.id))
  await until(() => of('user').filter(({ event }) => event === 'notification').length >= 2)
  await removeTweet(app, ann, mine.id)
  const deleted = (name: string) =>
    of(name).some(({ event, payload }) => event === 'delete' && payload === String(mine.id))
  await until(() => deleted('user') && deleted('public'))

  t.notOk(has('user', tagged.id), 'of nobody whom the user follows')
  t.notOk(has('hashtag', mine.id))
  const kinds = of('user').flatMap((event) =>
    event.event === 'notification' ? [event.payload] : [],
  )
  t.match(new Set(kinds.map(({ type }) => type)), new Set(['favourite', 'mention']))
  t.equal(new Set(kinds.map(({ id }) => id)).size, kinds.length, 'each once')
  const favourite = kinds.find(({ type }) => type === 'favourite')
  t.match(favourite, { account: { id: String(eve.id) }, status: { id: String(mine.id) } })
  client.close()
})

t.test('a stream that the address names, by each place of a token', async (t) => {
  const places = [
    connect(url, `?stream=user&access_token=${token}`),
    connect(url, '?stream=public:local', { protocol: token }),
    connect(url, '?stream=hashtag&tag=news', { token }),
    connect(url, `?stream=user&access_token=${token}`, { token, protocol: token }),
  ]
  await Promise.all(places.map(({ opened }) => opened))
  t.equal(places[1]?.socket.protocol, token, 'a browser wants it back')
  for (const one of places) await one.subscribe('user:notification')
  const { id } = await tweet(app, ben, '한국어 #news')
  const updates = await Promise.all(
    places.map((one) => one.find(({ event }) => event === 'update')),
  )
  t.strictSame(
    updates.map(({ stream }) => stream),
    [['user'], ['public:local'], ['hashtag', 'news'], ['user']],
  )
  const payloads = updates.map(({ payload = '' }) => JSON.parse(payload))
  for (const status of payloads)
    t.match(status, { id: String(id), account: { acct: ben.handle }, tags: [{ name: 'news' }] })
  t.notOk('favourited' in payloads[0], 'a stream does not claim what only the viewer has done')
  for (const { socket } of places) socket.close()
})

t.test('streams on one socket begin and end by messages', async (t) => {
  const one = connect(url, '', { token })
  await one.opened
  for (const stream of ['public', 'public', 'direct']) await one.subscribe(stream)
  const first = await tweet(app, eve, 'First')
  const idOf = ({ payload = '' }) => payload && JSON.parse(payload).id
  await one.find(
    ({ event, ...message }) => event === 'update' && idOf(message) === String(first.id),
  )
  one.send({ type: 'unsubscribe', stream: 'public' })
  one.send({ type: 'unsubscribe', stream: 'list' })
  await one.subscribe('user')
  await tweet(app, eve, 'Not heard')
  const last = await tweet(app, ben, 'Last')
  await one.find(({ event, ...message }) => event === 'update' && idOf(message) === String(last.id))
  const updates = one.items.filter(({ event }) => event === 'update')
  t.strictSame(updates.map(idOf), [String(first.id), String(last.id)])
  one.socket.close()
})

t.test('a boosted, a deleted and a liked post as Server-Sent Events', async (t) => {
  const [home, notifications, everyones, tagged] = await Promise.all([
    read(url, '/user', token),
    read(url, `/user/notification?access_token=${token}`),
    read(url, '/public/local', token),
    read(url, '/hashtag?tag=Sea', token),
  ])
  t.match(home.headers['content-type'], 'text/event-stream')
  const mine = await tweet(app, ann, 'At the #sea\n\nwith a second paragraph')
  await retweet(app, ben, mine.id)
  const isStatus = ({ event, data }: { event: string; data: string }) =>
    event === 'update' && (JSON.parse(data).reblog ?? JSON.parse(data)).id === String(mine.id)
  for (const one of [everyones, tagged]) t.match(await one.find(isStatus), { event: 'update' })
  const boost = await home.find((one) => isStatus(one) && JSON.parse(one.data).reblog !== null)
  t.match(JSON.parse(boost.data), { account: { id: String(ben.id) }, content: '' })
  const told = await notifications.find(({ event }) => event === 'notification')
  t.match(JSON.parse(told.data), { type: 'reblog', account: { id: String(ben.id) } })
  await removeTweet(app, ann, mine.id)
  for (const one of [home, everyones, tagged])
    await one.find(({ event, data }) => event === 'delete' && data === String(mine.id))
  t.notOk(notifications.items.some(({ event }) => event === 'update'))
  for (const one of [home, notifications, everyones, tagged]) one.close()
  t.equal((await call('GET /api/v1/streaming/health')).body, 'OK')
})

t.test('posts of an author who is blocked or blocks do not arrive', async (t) => {
  const [via, bea] = [await signUp(app, 'Via'), await signUp(app, 'Bea')]
  await relate(app, via, 'follow', ben)
  await relate(app, via, 'block', bea)
  await relate(app, eve, 'block', via)
  const one = connect(url, '', { token: await tokenOf(via) })
  await one.opened
  for (const [stream, tag] of [['user'], ['public'], ['hashtag', 'x']] as const)
    await one.subscribe(stream, tag)
  const hidden = [await tweet(app, bea, '#x'), await tweet(app, eve, '#x')]
  await retweet(app, ben, hidden[0].id)
  await drained(app)
  const { id } = await tweet(app, ben, '#x')
  const all = () => one.items.filter(({ event }) => event === 'update')
  await one.find(() => all().length === 3)
  t.strictSame(
    all().map(({ payload = '' }) => JSON.parse(payload).id),
    [id, id, id].map(String),
  )
  one.socket.close()
})

t.test('one post is read once for all streams that hear it', async (t) => {
  const sockets = Array.from({ length: 8 }, () => connect(url, '?stream=public', { token }))
  await Promise.all(sockets.map(({ opened }) => opened))
  for (const one of sockets) await one.subscribe('user')
  const { profilesOf } = other.users
  let reads = 0
  other.users.profilesOf = (...args) => {
    reads++
    return profilesOf(...args)
  }
  const { id } = await tweet(app, ben, 'For all of them')
  for (const one of sockets)
    for (const name of ['user', 'public'])
      await one.find(
        ({ stream, payload }) => stream?.[0] === name && !!payload?.includes(`"${id}"`),
      )
  other.users.profilesOf = profilesOf
  t.ok(reads <= 1, `${reads} reads`)
  for (const { socket } of sockets) socket.close()
  await Promise.all(sockets.map(({ closed }) => closed))
})

t.test('without a token of a person no stream is opened', async (t) => {
  const { client_id, client_secret } = await register()
  const ofApp = await post('/oauth/token', {
    grant_type: 'client_credentials',
    client_id,
    client_secret,
  })
  const { access_token: appToken } = (await ofApp.json()) as { access_token: string }
  for (const [status, sent] of [
    [401, {}],
    [401, { token: 'invented' }],
    [401, { protocol: 'invented' }],
    [401, { token: ann.token }],
    [422, { token: appToken }],
  ] as const) {
    t.match(await refusal(url, '?stream=public', sent), { status, body: { error: String } })
    const { status: got, headers } = await read(
      url,
      '/public',
      'token' in sent ? sent.token : undefined,
    )
    t.equal(got, status)
    t.match(headers['content-type'], 'application/json')
  }
  t.equal((await read(url, '', token)).status, 426)
})

t.test('a stream needs the scope of what it tells', async (t) => {
  const [narrow, statuses] = [
    await tokenOf(ann, 'read:notifications'),
    await tokenOf(ann, 'read:statuses'),
  ]
  for (const path of ['/user', '/public', '/hashtag?tag=x'])
    t.equal((await read(url, path, narrow)).status, 403)
  t.equal((await read(url, '/user/notification', statuses)).status, 403)
  const one = connect(url, '?stream=public', { token: narrow })
  t.match(await one.find(({ error }) => error !== undefined), { status: 403 })
  one.socket.close()
  const home = await read(url, '/user', statuses)
  const mine = await tweet(app, ann, 'Like this')
  await like(app, eve, mine.id)
  await drained(app)
  const last = await tweet(app, ann, 'Last')
  await home.find(({ data }) => data.includes(`"${last.id}"`))
  t.notOk(home.items.some(({ event }) => event === 'notification'))
  home.close()
})

t.test('what makes no sense is refused, and too much of it ends the socket', async (t) => {
  const one = connect(url, '', { token })
  await one.opened
  for (const [message, error] of [
    ['no JSON', /^Send JSON/],
    ['null', /^Send JSON/],
    ['[]', /^Name a stream/],
    [{ type: 'subscribe', stream: 'nothing' }, /^Unknown stream/],
    [{ type: 'subscribe', stream: 'list', list: '1' }, /^Unknown stream/],
    [{ type: 'subscribe', stream: 'hashtag' }, /^This stream needs a tag/],
    [{ type: 'subscribe', stream: 'hashtag', tag: '!' }, /not a hashtag/],
    [{ type: 'shout', stream: 'user' }, /^Unknown type/],
  ] as const) {
    one.send(message)
    const answer = await one.find((item) => error.test(item.error ?? ''))
    t.ok(answer.error)
    one.items.length = 0
  }
  for (let n = 0; n < 25; n++) one.send({ type: 'subscribe', stream: 'hashtag', tag: `t${n}` })
  for (let n = 0; n < 60; n++) one.send({ type: 'unsubscribe', stream: 'user' })
  t.equal(await one.closed, 1008)
  const long = connect(url, '', { token })
  await long.opened
  long.send('x'.repeat(5_000))
  t.equal(await long.closed, 1009)
  t.equal((await read(url, '/hashtag', token)).status, 400)
  t.equal((await read(url, '/nothing', token)).status, 404)
})

t.test('the streams of one account are limited, and a closed one frees its place', async (t) => {
  const many = Array.from({ length: 12 }, () => connect(url, '', { token: ofBen }))
  await Promise.all(many.map(({ opened }) => opened))
  const { status } = await refusal(url, '', { token: ofBen })
  t.equal(status, 429)
  const refused = await read(url, '/user', ofBen)
  t.match(refused, { status: 429, headers: { 'retry-after': /^\d+$/ } })
  for (const { socket } of many) socket.close()
  await Promise.all(many.map(({ closed }) => closed))
  while (other.live.count(ben.id) > 0) await sleep(5)
  const again = await read(url, '/user', ofBen)
  t.equal(again.status, 200)
  again.close()
})

/** More than the buffers of connections hold. */
const MANY = 4_000

/** Many long posts in one transaction, faster than by HTTP. Returns the id of the last. */
async function postMany(author: { id: number }) {
  const { liveEvents, liveSequence, tweets } = app.tables
  const many = Array.from({ length: MANY }, () => ({
    authorId: author.id,
    text: '🐣'.repeat(300),
  }))
  await app.db.insert(tweets).values(many)
  const [{ last } = { last: 0 }] = await app.db.select({ last: max(tweets.id) }).from(tweets)
  const [{ seq = 0 } = {}] = await app.db.select({ seq: liveSequence.value }).from(liveSequence)
  const first = (last ?? 0) - many.length
  await app.transaction(async (tx) => {
    await tx.execute(sql`INSERT INTO ${liveEvents} (seq, kind, subject_id, user_id)
      SELECT id - ${first} + ${seq}, 'tweet', id, author_id FROM ${tweets} WHERE id > ${first}`)
    const value = seq + many.length
    await tx.insert(liveSequence).values({ id: 1, value }).onDuplicateKeyUpdate({ set: { value } })
  })
  return last
}

t.test('clients that do not read are cut, and delay nobody else', async (t) => {
  const lea = await signUp(app, 'Lea')
  const own = await tokenOf(lea)
  const quick = await read(url, '/user', own)
  const slow = { events: await read(url, '/user', own), socket: connect(url, '', { token: own }) }
  await slow.socket.opened
  await slow.socket.subscribe('user')
  slow.events.pause()
  slow.socket.socket.pause()
  t.equal(other.live.count(lea.id), 3)
  const last = await postMany(lea)
  await quick.find(() => quick.items.length === MANY)
  t.match(quick.items.at(-1)?.data, `"id":"${last}"`)
  while (other.live.count(lea.id) > 1) await sleep(20)
  quick.close()
  slow.socket.socket.terminate()
  slow.events.close()
})

t.test('a stream ends with its session and its account', async (t) => {
  const [sue, del] = [await signUp(app, 'Sue'), await signUp(app, 'Del')]
  // One browser serves all, so they sign in one after the other.
  const owns = [await tokenOf(ann), await tokenOf(sue), await tokenOf(del)]
  const ending = await Promise.all(
    owns.map(async (own) => ({
      own,
      socket: connect(url, '?stream=user', { token: own }),
      events: await read(url, '/user', own),
    })),
  )
  const staying = connect(url, '?stream=user', { token: ofBen })
  await Promise.all([staying, ...ending.map(({ socket }) => socket)].map(({ opened }) => opened))
  const { sessionId } = (await app.mastodon.tokens.find(ending[0]?.own ?? '')) ?? {}
  const begun = performance.now()
  await app.auth.sessions.revoke(ann.id, sessionId ?? 0)
  await app.moderation.actOn('suspend', { userId: sue.id, reason: 'Advertising' })
  await app.inject({
    method: 'DELETE',
    url: '/v1/users/me',
    headers: { authorization: `Bearer ${del.token}` },
    payload: { password: del.password },
  })
  await Promise.all(ending.flatMap(({ socket, events }) => [socket.closed, events.ended]))
  t.comment(`ended after ${Math.round(performance.now() - begun)} ms`)
  t.equal(staying.socket.readyState, staying.socket.OPEN)
  staying.socket.close()
  const again = () => refusal(url, '', { token: ending[0]?.own ?? '' })
  let refused = await again()
  // Another process knows within a second that a session has ended.
  while (refused.status === 101) refused = await again()
  t.equal(refused.status, 401)
})

t.test('draining ends every stream at once, and the app closes', async (t) => {
  const draining = await start()
  const sockets = [1, 2].map(() => connect(draining.url, '?stream=user', { token }))
  await Promise.all(sockets.map(({ opened }) => opened))
  const events = await read(draining.url, '/public', token)
  const drainedNow = draining.app.drain.begin()
  t.strictSame(await Promise.all(sockets.map(({ closed }) => closed)), [1001, 1001])
  await events.ended
  await drainedNow
  const begun = performance.now()
  await draining.app.close()
  t.ok(performance.now() - begun < 2_000)
})

t.test('without the extension live no address of streams is announced', async (t) => {
  const without = await start({ EXTENSIONS_OPTIONAL: 'live', LIVE_KEEP_HOURS: '0' })
  for (const [{ url: at }, announced] of [
    [without, undefined],
    [{ url }, url.replace('http', 'ws')],
  ] as const) {
    const instance = async (version: string): Promise<any> =>
      (await fetch(`${at}/api/${version}/instance`)).json()
    t.equal((await instance('v1')).urls.streaming_api, announced)
    t.equal((await instance('v2')).configuration.urls.streaming, announced)
  }
  t.equal((await read(without.url, '/user', token)).status, 404)
})
