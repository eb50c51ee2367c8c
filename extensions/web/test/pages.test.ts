import { call, drained, removeTweet, retweet, setUp, signUp, tweet } from 'birdhouse/testing'
import t from 'tap'

const app = await setUp(t, {
  PUBLIC_URL: 'https://birds.example',
  SITE_NAME: '새 둥지',
  SITE_DESCRIPTION: 'Birds & friends.',
})
const page = (path: string) => call(app, `GET ${path}`)

const [ada, bo] = [await signUp(app, 'Ada'), await signUp(app, '지우')]
const [adas, bos] = [ada.handle, bo.handle]

t.test('the first page has the name of the place and the latest tweets', async (t) => {
  const { id } = await tweet(app, bo, '안녕하세요\n두 번째 줄')
  const { status, headers, body } = await page('/')
  t.equal(status, 200)
  t.match(headers, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': /^default-src 'none'; style-src 'self'; img-src 'self' http/,
  })
  t.match(body, /<title>새 둥지<\/title>/)
  t.match(body, 'Birds &#38; friends.')
  t.match(body, /<div class="text" dir="auto" lang="ko">안녕하세요\n두 번째 줄<\/div>/)
  t.match(body, `href="/@${bos}/${id}"`)
  t.notMatch(body, /<script|\\n|undefined|\[object/)
})

t.test('texts and names are escaped in every place', async (t) => {
  const markup = `"><script>alert('x')</script>&<img src=x onerror=alert(1)>`
  const eve = await signUp(app, `<b>"Eve'</b>`, { profile: markup })
  const handle = eve.handle
  const { id } = await tweet(app, eve, markup)
  for (const path of ['/', `/@${handle}`, `/@${handle}/${id}`]) {
    const { body } = await page(path)
    t.notMatch(body, /<script|<img src=x|<b>/, path)
    t.match(body, '&#60;script&#62;', path)
  }
})

t.test('addresses, hashtags and mentions are links, also after emoji', async (t) => {
  const text = `🐣 @${adas}님 #새둥지 https://example.com/a?b=1&c=<d> javascript:alert(1) //x.example`
  const { id } = await tweet(app, bo, text)
  const { body } = await page(`/@${bos}/${id}`)
  t.match(body, `<a href="/@${adas}">@${adas}</a>님`)
  t.match(body, '<a href="/tags/%EC%83%88%EB%91%A5%EC%A7%80">#새둥지</a>')
  t.match(
    body,
    'rel="nofollow noopener noreferrer ugc">https://example.com/a?b&#61;1&#38;c&#61;</a>',
  )
  t.notMatch(body, /href="javascript|href="[^"]*x\.example/)
  await drained(app)
  t.match((await page('/tags/%EC%83%88%EB%91%A5%EC%A7%80')).body, `href="/@${bos}/${id}"`)
})

t.test('a thread shows what a tweet replies to, the tweet and its replies', async (t) => {
  const root = await tweet(app, ada, 'the root')
  const reply = await tweet(app, bo, 'the reply', { replyToId: root.id })
  await tweet(app, ada, 'the answer', { replyToId: reply.id })
  const { body } = await page(`/@${bos}/${reply.id}`)
  const order = ['the root', 'the reply</div>', 'Replies', 'the answer'].map((text) =>
    body.lastIndexOf(text),
  )
  t.strictSame(
    order.toSorted((a, b) => a - b),
    order,
  )
  t.match(body, '<meta property="og:description" content="the reply">')
  t.match(body, `<link rel="canonical" href="https://birds.example/@${bos}/${reply.id}">`)
})

t.test('a tweet has one address: others lead there', async (t) => {
  const { id } = await tweet(app, ada, 'original')
  await retweet(app, bo, id)
  const [{ id: retweetId }] = (await call(app, `GET /v1/users/${bo.id}/tweets`)).body.items
  for (const path of [`/@${bos}/${id}`, `/@${bos}/${retweetId}`]) {
    t.match(await page(path), { status: 302, headers: { location: `/@${adas}/${id}` } })
  }
  t.match((await page(`/@${bos}`)).body, 'retweeted')
})

t.test('older tweets are behind a link', async (t) => {
  const many = await signUp(app, 'Many')
  const handle = many.handle
  for (let n = 1; n <= 21; n++) await tweet(app, many, `number ${n} of them`)
  const first = (await page(`/@${handle}`)).body
  t.notMatch(first, 'number 1 of them')
  const [, href = ''] = /rel="next" href="([^"]+)"/.exec(first) ?? []
  const second = await page(href.replaceAll('&#61;', '='))
  t.equal(second.status, 200)
  t.match(second.body, 'number 1 of them')
  t.notMatch(second.body, 'rel="next"')
})

t.test('what is not there is a page as well', async (t) => {
  const { id } = await tweet(app, ada, 'soon gone')
  await removeTweet(app, ada, id)
  for (const path of [`/@${adas}/${id}`, '/@nobody_here', `/@${adas}/999999`]) {
    const { status, headers, body } = await page(path)
    t.equal(status, 404, path)
    t.match(headers['content-type'], 'text/html')
    t.match(body, '<h1>Not found</h1>')
  }
  t.equal((await page('/?cursor=wrong')).status, 400)
  t.match((await page('/v1/nothing')).headers['content-type'], 'json')
})

t.test('a browser gets a page at an unknown path, a program keeps JSON', async (t) => {
  const browsers = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }
  for (const path of [
    '/nope',
    '/nope%zz',
    `/@${adas}/12x`,
    `/@${adas}/1/2`,
    '/@%zz',
    '/docs-of-birds',
  ]) {
    const { status, headers, body } = await call(app, `GET ${path}`, { headers: browsers })
    t.equal(status, 404, path)
    t.match(headers, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': /default-src 'none'; style-src/,
    })
    t.match(body, /<h1>Not found<\/h1>.*href="\/"/s, path)
  }
  for (const path of ['/v1', '/v1/nothing', '/v1?x', '/api/nothing', '/oauth/nothing'])
    t.match(
      (await call(app, `GET ${path}`, { headers: browsers })).headers['content-type'],
      'json',
      path,
    )
  for (const accept of ['application/json', '*/*', 'application/json, text/html;q=0.5', ''])
    t.match(
      await call(app, 'GET /nope', { headers: { accept } }),
      { status: 404, body: { code: 'ROUTE_NOT_FOUND' } },
      accept,
    )
  const posted = await call(app, 'POST /nope', { headers: browsers })
  t.match(posted, { status: 404, body: /<h1>Not found/ })
})

t.test('deleted and suspended people are on no page', async (t) => {
  const gone = await signUp(app, 'Gone')
  const { handle } = gone
  const parent = await tweet(app, gone, 'the words of somebody who left #leaving')
  const reply = await tweet(app, ada, 'a reply to them', { replyToId: parent.id })
  await drained(app)
  t.match((await page('/tags/leaving')).body, 'somebody who left')
  await app.moderation.actOn('suspend', { userId: gone.id, reason: 'Spam' })
  for (const path of ['/', '/tags/leaving', `/@${adas}`, `/@${adas}/${reply.id}`])
    t.notMatch((await page(path)).body, /somebody who left|Gone/, path)
  for (const path of [`/@${handle}`, `/@${handle}/${parent.id}`])
    t.equal((await page(path)).status, 404, path)
})

t.test('the stylesheet may be kept for ever, because its address changes with it', async (t) => {
  const [, href = ''] = /<link rel="stylesheet" href="([^"]+)"/.exec((await page('/')).body) ?? []
  t.match(href, /v&#61;[\w-]{8}$/)
  t.match(await page(href.replaceAll('&#61;', '=')), {
    status: 200,
    headers: { 'content-type': 'text/css; charset=utf-8', 'cache-control': /immutable/ },
  })
})

t.test('a private place shows strangers no tweets on its first page', async (t) => {
  const closed = await setUp(t, { WEB_TIMELINE: 'private' })
  await tweet(closed, await signUp(closed, 'Ada'), 'for people of this place')
  const { body } = await call(closed, 'GET /')
  t.notMatch(body, 'for people of this place')
  t.match(body, 'Only people with an account')
})
