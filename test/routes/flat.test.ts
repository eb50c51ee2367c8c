import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import t from 'tap'
import { call, setUp, signUp } from '../helper.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

t.test('the original flat API', async (t) => {
  const app = await setUp(t)
  const hong = {
    name: 'hong',
    email: 'hong@gmail.com',
    password: 'test1234',
    profile: 'hi my name is hong',
  }
  const kim = { ...hong, name: '김', email: 'kim@gmail.com' }
  let token = ''

  /** As the original's clients: the token without Bearer. */
  const flat = (line: string, body?: object, headers: object = { authorization: token }) =>
    call(app, line, { ...(body && { body }), headers })
  const timeline = async () => (await flat('GET /timeline')).body.timeline

  t.test('ping', async (t) => {
    const { status, body, headers } = await flat('GET /ping', undefined, {
      origin: 'https://a.example',
    })
    t.equal(status, 200)
    t.equal(body, 'some some pong')
    t.equal(headers['access-control-allow-origin'], '*')
  })

  t.test('sign-up', async (t) => {
    t.strictSame((await flat('POST /sign-up', hong, {})).body, {
      id: 1,
      name: 'hong',
      email: 'hong@gmail.com',
      profile: 'hi my name is hong',
    })
    t.equal((await flat('POST /sign-up', { ...kim, more: 'ignored' }, {})).status, 200)
    const twice = await flat('POST /sign-up', hong, {})
    t.equal(twice.status, 409)
    t.match(twice.headers['content-type'], 'text/plain')
    t.equal(
      (await flat('POST /sign-up', { name: 'a', email: 'a@b.de', password: 'test1234' }, {}))
        .status,
      400,
    )
    t.equal(
      (await flat('POST /sign-up', { ...hong, email: 'x@b.de', password: 'short' }, {})).status,
      400,
    )
  })

  t.test('login', async (t) => {
    const { status, body } = await flat('POST /login', hong, {})
    t.equal(status, 200)
    t.equal(body.user_id, 1)
    token = body.access_token
    const [, payload = ''] = token.split('.')
    const { exp, iat } = JSON.parse(Buffer.from(payload, 'base64url').toString())
    t.equal(exp - iat, 24 * 60 * 60)
    for (const wrong of [
      { ...hong, password: 'wrong' },
      { ...hong, email: 'nobody@gmail.com' },
    ]) {
      const refused = await flat('POST /login', wrong, {})
      t.equal(refused.status, 401)
      t.equal(refused.body, '')
    }
  })

  t.test('view-data by body or query; the e-mail for its owner alone', async (t) => {
    const { password: _, ...account } = hong
    t.strictSame((await flat('GET /view-data', { id: 1 })).body, { id: 1, ...account })
    t.strictSame((await flat('GET /view-data?id=1')).body, { id: 1, ...account })
    t.strictSame((await flat('GET /view-data', { id: '1' }, {})).body, {
      id: 1,
      ...account,
      email: null,
    })
    t.equal((await flat('GET /view-data', { id: 2 })).body.email, null)
    t.equal((await flat('GET /view-data')).status, 400)
    t.equal((await flat('GET /view-data', { id: 'x' })).status, 400)
    t.equal((await flat('GET /view-data?id=99')).status, 404)
    t.equal((await flat('GET /view-data', { id: 1, more: 'x'.repeat(2000) })).status, 413)
  })

  t.test('tweet and timeline', async (t) => {
    const first = await flat('POST /tweet', { tweet: 'hello, my first tweet' })
    t.equal(first.status, 200)
    t.equal(first.body, '')
    await flat('POST /tweet', { tweet: '안녕하세요' }, { authorization: `Bearer ${token}` })
    const over = await flat('POST /tweet', { tweet: 'x'.repeat(301) })
    t.equal(over.status, 400)
    t.equal(over.body, 'over 300 character')
    t.equal((await flat('POST /tweet', { tweet: '' })).status, 400)
    t.equal((await flat('POST /tweet', { tweet: '🐦'.repeat(300) })).status, 200)
    t.equal((await flat('POST /tweet', { tweet: 'x' }, {})).status, 401)
    t.equal((await flat('POST /tweet', { tweet: 'x' }, { authorization: 'nonsense' })).status, 401)
    t.strictSame((await timeline()).slice(0, 2), [
      { user_id: 1, tweet: 'hello, my first tweet', tweet_id: 1 },
      { user_id: 1, tweet: '안녕하세요', tweet_id: 2 },
    ])
  })

  t.test('follow, unfollow', async (t) => {
    const other = (await flat('POST /login', kim, {})).body.access_token
    await flat('POST /tweet', { tweet: 'from kim' }, { authorization: other })
    for (const id of ['2', 2]) {
      const { status, body } = await flat('POST /follow', { follow: id })
      t.equal(status, 200)
      t.equal(body, '')
    }
    t.match((await timeline()).at(-1), { user_id: 2, tweet: 'from kim' })
    t.equal((await flat('POST /follow', { follow: 1 })).status, 400)
    t.equal((await flat('POST /follow', { follow: 99 })).status, 404)
    t.equal((await flat('POST /follow', { follow: 'x' })).status, 400)
    t.equal((await flat('POST /unfollow', { unfollow: '2' })).status, 200)
    t.not((await timeline()).at(-1).user_id, 2)
  })

  t.test('like, unlike', async (t) => {
    t.equal((await flat('POST /like', { tweet_id: 1 })).status, 200)
    t.equal((await call(app, 'GET /v1/tweets/1')).body.likeCount, 1)
    t.equal((await flat('POST /unlike', { tweet_id: 1 })).status, 200)
    t.equal((await call(app, 'GET /v1/tweets/1')).body.likeCount, 0)
    t.equal((await flat('POST /like', { tweet_id: 99 })).status, 404)
  })

  t.test('lists have the newest 100 items and a link to older ones', async (t) => {
    for (let i = 0; i < 100; i++) await app.tweets.create({ authorId: 1, text: `tweet ${i}` })
    const { body, headers } = await flat('GET /timeline')
    t.equal(body.timeline.length, 100)
    t.equal(body.timeline.at(-1).tweet, 'tweet 99')
    const next = String(headers.link).match(/<(.+)>; rel="next"/)?.[1]
    t.equal((await flat(`GET ${next}`)).body.timeline[0].tweet, 'hello, my first tweet')
  })

  t.test('profile picture', async (t) => {
    const image = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    const upload = (location: string, file: Buffer | string, field = 'profile-pic') => {
      const form = new FormData()
      form.append(field, new Blob([file]), 'me.png')
      const request = {
        method: 'POST' as const,
        url: `/profile-picture/${location}`,
        payload: form,
      }
      return app.inject({ ...request, headers: { authorization: token } })
    }
    t.equal((await flat('GET /profile-picture/s3/1')).status, 404)
    t.equal((await flat('GET /profile-picture/local/1')).status, 404)
    for (const location of ['s3', 'local']) {
      const { statusCode, body } = await upload(location, image)
      t.equal(statusCode, 200)
      t.equal(body, '')
    }
    const missing = await upload('s3', image, 'other')
    t.equal(missing.statusCode, 404)
    t.equal(missing.body, 'File is missing')
    t.equal((await flat('POST /profile-picture/s3', {})).status, 404)
    t.equal((await upload('s3', 'not an image')).statusCode, 415)
    const { img_url } = (await flat('GET /profile-picture/s3/1', undefined, {})).body
    t.equal((await fetch(img_url)).status, 200)
    const local = await app.inject('/profile-picture/local/1')
    t.equal(local.headers['content-type'], 'image/webp')
    t.equal((await sharp(local.rawPayload).metadata()).width, 400)
  })

  t.test('errors are plain, open to any origin, and the token can be revoked', async (t) => {
    const broken = await app.inject({
      method: 'POST',
      url: '/login',
      headers: JSON_TYPE,
      payload: '{',
    })
    t.equal(broken.statusCode, 400)
    t.match(broken.headers['content-type'], 'text/plain')
    const origin = { origin: 'https://a.example' }
    t.equal((await flat('POST /tweet', {}, origin)).headers['access-control-allow-origin'], '*')
    const preflight = await flat('OPTIONS /tweet', undefined, {
      ...origin,
      'access-control-request-method': 'POST',
    })
    t.equal(preflight.status, 204)
    t.equal(preflight.headers['access-control-allow-origin'], '*')
    t.notOk(
      (await call(app, 'GET /v1/tweets', { headers: origin })).headers[
        'access-control-allow-origin'
      ],
    )
    await call(app, 'POST /v1/auth/logout', { as: { token } })
    t.equal((await flat('GET /timeline')).status, 401)
  })
})

t.test('a client that sends too much and leaves holds no socket', async (t) => {
  const app = await setUp(t)
  const { port } = new URL(await app.listen())
  const body = 'x'.repeat(200_000)
  const head = `GET /view-data HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n`
  for (let i = 0; i < 10; i++) {
    const { promise: answered, resolve } = Promise.withResolvers<string>()
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(head + body))
    socket.once('data', (data) => resolve(data.toString()))
    t.match(await answered, 'HTTP/1.1 413')
    socket.destroy()
  }
  const open = () =>
    new Promise<number>((resolve) => app.server.getConnections((_error, count) => resolve(count)))
  for (let waits = 0; waits < 100 && (await open()) > 0; waits++) await sleep(50)
  t.equal(await open(), 0)
})

t.test('a login is good for a day and leaves no refresh token behind', async (t) => {
  const app = await setUp(t)
  const user = await signUp(app)
  await call(app, 'POST /v1/auth/logout', { as: user })
  const body = { email: user.email, password: user.password }
  t.equal((await call(app, 'POST /login', { body })).status, 200)
  t.strictSame(await app.db.select().from(app.tables.refreshTokens), [])
  const [session] = await app.db.select().from(app.tables.sessions)
  const hours = (Number(session?.expiresAt) - Number(session?.createdAt)) / 3_600_000
  t.equal(Math.round(hours), 24)
})
