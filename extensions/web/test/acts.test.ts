import { call, drained, relate, setUp, signUp, tweet } from 'birdhouse/testing'
import sharp from 'sharp'
import t from 'tap'
import { openBrowser } from './browser.ts'

const app = await setUp(t)
const [ada, bo] = [await signUp(app, 'Ada'), await signUp(app, '지우')]
const browser = openBrowser(app)
await browser.signIn(ada)
const picture = async (color: string) =>
  new Uint8Array(
    await sharp({ create: { width: 40, height: 30, channels: 3, background: color } })
      .png()
      .toBuffer(),
  )
const shown = async (id: number) => (await call(app, `GET /v1/tweets/${id}`, { as: ada })).body

t.test('an empty timeline shows the tweets of everyone and says what to do', async (t) => {
  await tweet(app, bo, '안녕하세요')
  const { body } = await browser.get('/')
  t.match(body, 'Your timeline is still empty')
  t.match(body, '안녕하세요')
})

t.test('a person posts, and comes back to the tweet on the page', async (t) => {
  await browser.get('/')
  const { status, to = '' } = await browser.postForm('/tweets', {
    text: 'one\r\ntwo',
    return_to: '/',
  })
  t.equal(status, 303)
  const [, id = ''] = /^\/#t(\d+)$/.exec(to) ?? []
  t.match(await shown(Number(id)), { text: 'one\ntwo' })
  t.match((await browser.get('/')).body, `id="t${id}"`)
})

t.test('a form that is sent twice makes one tweet, also with a picture', async (t) => {
  const { id } = await tweet(app, bo, 'a question for two clicks')
  for (const [page, fields] of [
    ['/', { text: 'clicked twice' }],
    [`/@${bo.handle}/${id}`, { text: 'answered twice', reply_to: String(id) }],
  ] as const) {
    const [, once = ''] =
      /name="once" value="([\w-]{43})"/.exec((await browser.get(page)).body) ?? []
    const send = async (text: string) =>
      browser.postForm(
        '/tweets',
        { ...fields, text, once, return_to: page },
        await picture('green'),
      )
    const [first, second] = await Promise.all([send(fields.text), send(fields.text)])
    t.match(first, { status: 303, to: second.to })
    t.equal((await send(fields.text)).to, first.to)
    const { body } = await browser.get(`/@${ada.handle}`)
    t.equal(body.split(fields.text).length, 2)
    const changed = await send('changed after the click')
    t.match(changed, { status: 422, body: /role="alert">This form has been sent already/ })
    t.notMatch(changed.body, once, 'the form has a new value')
  }
})

t.test('a text that is too long comes back with the reason', async (t) => {
  await browser.get('/')
  const text = `<b>${'가'.repeat(300)}`
  const { status, body } = await browser.postForm('/tweets', { text, return_to: '/' })
  t.equal(status, 400)
  t.match(body, /role="alert">The text must not have more than 300 characters/)
  t.match(body, `&#60;b&#62;${'가'.repeat(300)}</textarea>`)
  t.match(await browser.postForm('/tweets', { text: ' ' }), { status: 400, body: /The text must/ })
})

t.test('pictures are added one after another, with their descriptions', async (t) => {
  await browser.get('/')
  const fields = { text: 'two pictures', return_to: '/', alt: 'A red field', more: 'true' }
  const first = await browser.postForm('/tweets', fields, await picture('red'))
  t.equal(first.status, 200)
  t.match(first.body, 'alt="A red field"')
  t.match(first.body, 'two pictures</textarea>')
  const [, media = ''] = /name="media" value="([\d,]+)"/.exec(first.body) ?? []
  const last = { text: 'two pictures', return_to: '/', media, alt: 'A blue field' }
  const { to = '' } = await browser.postForm('/tweets', last, await picture('blue'))
  const made = await shown(Number(to.replace('/#t', '')))
  t.strictSame(
    made.media.map(({ alt }: { alt: string }) => alt),
    ['A red field', 'A blue field'],
  )
  const noPicture = await browser.postForm('/tweets', { text: 'kept' }, new Uint8Array([1, 2, 3]))
  t.match(noPicture, { status: 415, body: /role="alert".*kept<\/textarea>/s })
})

t.test('a person replies on the page of a thread', async (t) => {
  const { id } = await tweet(app, bo, 'a question')
  const thread = `/@${bo.handle}/${id}`
  t.match((await browser.get(thread)).body, `Your reply to <bdi>@${bo.handle}</bdi>`)
  const reply = { text: 'an answer', reply_to: String(id), return_to: thread }
  const { to = '' } = await browser.postForm('/tweets', reply)
  t.match((await browser.get(to)).body, 'an answer')
  t.match((await browser.get(thread)).body, 'an answer')
})

t.test('buttons act, change and lead back', async (t) => {
  const { id } = await tweet(app, bo, 'a tweet with buttons')
  const list = `/@${bo.handle}`
  for (const [act, undo, field] of [
    ['like', 'unlike', 'liked'],
    ['retweet', 'undo-retweet', 'retweeted'],
    ['bookmark', 'unbookmark', 'bookmarked'],
  ] as const) {
    t.match((await browser.get(list)).body, `formaction="/tweets/${id}/${act}"`)
    const fields = { return_to: `${list}#t${id}` }
    t.match(await browser.post(`/tweets/${id}/${act}`, fields), { to: `${list}#t${id}` })
    t.equal((await shown(id))[field], true, act)
    t.match((await browser.get(list)).body, `formaction="/tweets/${id}/${undo}"`)
    if (act === 'bookmark') t.match((await browser.get('/bookmarks')).body, 'a tweet with buttons')
    await browser.post(`/tweets/${id}/${undo}`, { return_to: 'https://evil.example/' })
    t.equal((await shown(id))[field], false, undo)
  }
  t.equal((await browser.post('/tweets/999999/like')).status, 404)
})

t.test('a person follows and unfollows', async (t) => {
  const profile = `/@${bo.handle}`
  t.match((await browser.get(profile)).body, `action="${profile}/follow"`)
  await browser.post(`${profile}/follow`, { return_to: profile })
  t.match((await browser.get(profile)).body, `action="${profile}/unfollow"`)
  t.match((await browser.get('/')).body, '안녕하세요')
  await browser.post(`${profile}/unfollow`, { return_to: profile })
  t.match((await browser.get(profile)).body, `action="${profile}/follow"`)
  t.notMatch((await browser.get(`/@${ada.handle}`)).body, '/follow"', 'not yourself')
})

t.test('a menu mutes, blocks and reports, and the settings undo', async (t) => {
  const profile = `/@${bo.handle}`
  const { id } = await tweet(app, bo, 'a tweet with a menu')
  for (const path of [profile, `${profile}/${id}`])
    t.match((await browser.get(path)).body, `formaction="${profile}/mute"`, path)
  t.notMatch((await browser.get('/latest')).body, 'class="menu"')
  for (const [act, undo, list] of [
    ['mute', 'unmute', 'muted'],
    ['block', 'unblock', 'blocked'],
  ] as const) {
    t.equal((await browser.post(`${profile}/${act}`, { return_to: profile })).to, profile)
    t.match((await browser.get(profile)).body, `formaction="${profile}/${undo}"`)
    const { body } = await browser.get(`/settings/${list}`)
    t.match(body, `action="${profile}/${undo}"`)
    await browser.post(`${profile}/${undo}`, { return_to: `/settings/${list}` })
    t.match((await browser.get(`/settings/${list}`)).body, 'Nobody.')
  }

  for (const [path, target] of [
    [`${profile}/report`, { kind: 'account', id: bo.id }],
    [`${profile}/${id}/report`, { kind: 'tweet', id }],
  ] as const) {
    t.match((await browser.get(path)).body, 'name="category" value="harassment"')
    t.equal((await browser.post(path)).status, 400, 'a reason is needed')
    const told = await browser.post(path, { category: 'harassment', text: '모욕' })
    t.match(told, { status: 200, body: /Thank you.*Block/s })
    const { items } = (await call(app, 'GET /v1/reports', { as: ada })).body
    t.match(items[0], { target, category: 'harassment' })
  }
  t.match(await browser.post(`/@${ada.handle}/report`, { category: 'spam' }), {
    status: 400,
    body: /You cannot report yourself/,
  })
})

t.test('people who block each other do not see each other here', async (t) => {
  const eve = await signUp(app, 'Eve')
  const { id } = await tweet(app, eve, 'words of Eve')
  await relate(app, eve, 'block', ada)
  t.notMatch((await browser.get('/latest')).body, 'words of Eve')
  for (const path of [`/@${eve.handle}`, `/@${eve.handle}/${id}`])
    t.equal((await browser.get(path)).status, 404, path)
  t.equal((await browser.post(`/tweets/${id}/like`)).status, 404)
})

t.test('a tweet is deleted after a question, by its author alone', async (t) => {
  const [own, other] = [await tweet(app, ada, 'soon gone'), await tweet(app, bo, 'stays')]
  const question = await browser.get(`/tweets/${own.id}/delete`)
  t.match(question.body, /<h1>Delete this tweet\?<\/h1>.*soon gone/s)
  t.equal((await shown(own.id)).deleted, false)
  t.equal((await browser.post(`/tweets/${own.id}/delete`)).to, '/')
  t.equal((await shown(own.id)).deleted, true)
  t.equal((await browser.get(`/tweets/${other.id}/delete`)).to, `/@${bo.handle}/${other.id}`)
  t.equal((await browser.post(`/tweets/${other.id}/delete`)).status, 403)
})

t.test('notifications are shown and marked as read', async (t) => {
  const { id } = await tweet(app, ada, 'please like this')
  await call(app, `PUT /v1/tweets/${id}/like`, { as: bo })
  await relate(app, bo, 'follow', ada)
  await tweet(app, bo, 'here is my answer', { replyToId: id })
  await drained(app)
  const { body } = await browser.get('/notifications')
  for (const text of ['liked your tweet', 'followed you', 'replied to you', 'here is my answer'])
    t.match(body, text)
  t.match(body, /<span class="badge">3<span class="hidden"> unread/)
  const [, upTo = ''] = /name="up_to" value="(\d+)"/.exec(body) ?? []
  t.equal((await browser.post('/notifications/read', { up_to: upTo })).to, '/notifications')
  t.notMatch((await browser.get('/notifications')).body, /unread|Mark as read/)
})

const ACTS = [
  '/tweets/1/like',
  '/tweets/1/retweet',
  '/tweets/1/bookmark',
  '/tweets/1/delete',
  `/@${bo.handle}/follow`,
  `/@${bo.handle}/block`,
  `/@${bo.handle}/report`,
  `/@${bo.handle}/1/report`,
  '/notifications/read',
  '/sign-out',
]

t.test('no act without the token of the session, and none of a foreign page', async (t) => {
  const foreign = { 'sec-fetch-site': 'cross-site' }
  for (const path of ACTS) {
    t.equal((await browser.post(path, { token: '', category: 'spam' })).status, 403, path)
    t.match(
      await browser.post(path, { category: 'spam' }, foreign),
      { status: 403, body: /another site/ },
      path,
    )
  }
  t.equal((await browser.postForm('/tweets', { token: '', text: 'forged' })).status, 403)
  t.notMatch((await browser.get(`/@${ada.handle}`)).body, 'forged')
})

t.test('a stranger is asked to sign in', async (t) => {
  const stranger = openBrowser(app)
  await stranger.get('/sign-in')
  for (const path of ACTS.slice(0, -1))
    t.equal((await stranger.post(path, { category: 'spam' })).to, '/sign-in?return_to=%2F', path)
  t.match(await stranger.postForm('/tweets', { text: 'x' }), { status: 303 })
  for (const path of ['/notifications?cursor=x', '/bookmarks'])
    t.equal((await stranger.get(path)).to, `/sign-in?${new URLSearchParams({ return_to: path })}`)
  const { body } = await stranger.get('/tags/new?cursor=')
  t.match(body, 'href="/sign-in?return_to&#61;%2Ftags%2Fnew%3Fcursor%3D"')
  t.notMatch((await stranger.get('/latest')).body, /<form|class="acts"/)
})

t.test('errors of addresses are told in words', async (t) => {
  for (const [path, words] of [
    ['/?cursor=wrong', 'Begin with the newest tweets'],
    ['/@Not-A-Handle', 'There is a mistake in the address'],
    ['/@nobody_here', 'There is nobody with this name here'],
  ] as const) {
    const { body } = await browser.get(path)
    t.match(body, words, path)
    t.notMatch(body, /<p>[^<]*\/(params|query)/, path)
  }
  const unknown = await browser.get('/nope', { accept: 'text/html' })
  t.match(unknown, { status: 404, body: /Sign out/ }, 'the page knows who is signed in')
})
