import sharp from 'sharp'
import t from 'tap'
import { call, drained, read, setUp, signUp, tweet } from '../../helper.ts'
import {
  formOf,
  formWith,
  newMedia,
  objectKeys,
  plain,
  postMedia,
  sendForm,
} from '../../multipart.ts'

const app = await setUp(t)
const jpeg = await plain()

t.test('a picture is uploaded in up to three sizes', async (t) => {
  const user = await signUp(app, 'Uploads')
  const answer = await postMedia(app, user, await plain(2400, 1200), 'A wide teal')
  t.equal(answer.status, 201)
  t.equal(answer.headers.location, `/v1/media/${answer.body.id}`)
  t.match(answer.body, {
    alt: 'A wide teal',
    width: 1600,
    height: 800,
    animated: false,
    thumbhash: /^[\w+/]+=*$/,
    createdAt: /^\d{4}-.*Z$/,
    variants: {
      small: { width: 320, height: 160 },
      medium: { width: 800, height: 400 },
      large: { width: 1600, height: 800 },
    },
  })
  t.strictSame(await read(app, `/v1/media/${answer.body.id}`, user), answer.body)
  for (const { url, width, height } of Object.values<any>(answer.body.variants)) {
    const response = await fetch(url)
    t.match(Object.fromEntries(response.headers), {
      'content-type': 'image/webp',
      'cache-control': 'public, max-age=31536000, immutable',
    })
    const metadata = await sharp(Buffer.from(await response.arrayBuffer())).metadata()
    t.match(metadata, { format: 'webp', width, height })
  }

  const small = await newMedia(app, user, jpeg)
  t.match(small, { alt: '', width: 40, height: 30 })
  t.strictSame(small.variants.medium, small.variants.small, 'never enlarged')
  t.strictSame(small.variants.large, small.variants.small)
  t.equal((await objectKeys(app)).length, 3 + 1)
})

t.test('only its owner sees an unused picture', async (t) => {
  const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]
  const { id } = await newMedia(app, ann, jpeg, 'private')
  const path = `/v1/media/${id}`
  for (const line of [`GET ${path}`, `PATCH ${path}`, `DELETE ${path}`]) {
    const body = line.startsWith('PATCH') ? { body: { alt: 'mine' } } : {}
    const theirs = await call(app, line, { as: ben, ...body })
    t.match([theirs.status, theirs.body.code], [404, 'MEDIA_NOT_FOUND'], line)
    t.match(theirs.body.detail, String(id))
    t.equal((await call(app, line, body)).status, 401, line)
  }
  t.equal((await read(app, path, ann)).alt, 'private')
  await tweet(app, ann, 'shown', { mediaIds: [id] })
  t.equal((await call(app, `GET ${path}`, { as: ben })).status, 404, 'others see the tweet')
})

t.test('alt text is stored and validated', async (t) => {
  const user = await signUp(app, 'Alt')
  const { id } = await newMedia(app, user, jpeg)
  const patch = (body: object) => call(app, `PATCH /v1/media/${id}`, { as: user, body })
  const longest = '한'.normalize('NFD').repeat(1500)
  const family = '👩‍👩‍👧‍👦'
  for (const [sent, kept] of [
    [longest, '한'.repeat(1500)],
    [family.repeat(214), family.repeat(214)],
    ['two\r\nlines', 'two\nlines'],
    ['', ''],
  ] as const) {
    const { status, body } = await patch({ alt: sent })
    t.match([status, body.alt], [200, kept])
    t.equal((await newMedia(app, user, jpeg, sent)).alt, kept, 'the same beside the file')
  }
  await patch({ alt: 'kept' })
  const tooLong = ['한'.repeat(1501), 'x'.repeat(7000), family.repeat(215)]
  for (const alt of [...tooLong, 'a\u0000b', ' ', '\u3164', 'a\uffff']) {
    const patched = await patch({ alt })
    t.match([patched.status, patched.body.errors[0].path], [400, '/body/alt'])
    const posted = await postMedia(app, user, jpeg, alt)
    t.match([posted.status, posted.body.errors[0].path], [400, '/body/alt'])
  }
  for (const body of [{}, { alt: null }, { alt: 'x', id: 1 }]) {
    t.equal((await patch(body)).status, 400)
  }
  t.equal((await postMedia(app, user, jpeg, '字'.repeat(40_000))).status, 400, 'cut by the parser')
  t.equal((await read(app, `/v1/media/${id}`, user)).alt, 'kept')
})

t.test('forms with other parts are rejected', async (t) => {
  const user = await signUp(app, 'Forms')
  const before = await objectKeys(app)
  const file = new Blob([new Uint8Array(jpeg)])
  const cases: [number, string, FormData][] = [
    [400, 'no part', formWith()],
    [400, 'alt alone', formWith(['alt', 'x'])],
    [400, 'another name', formOf(jpeg, { field: 'picture' })],
    [400, 'two files', formWith(['file', file], ['file', file])],
    [400, 'two alts', formWith(['alt', 'x'], ['file', file], ['alt', 'y'])],
    [400, 'another field', formWith(['file', file], ['name', 'x'])],
    [400, 'another field first', formWith(['name', 'x'], ['file', file])],
    [400, 'a file for alt', formWith(['file', file], ['alt', file])],
    [400, 'a field of a prototype', formWith(['file', file], ['__proto__', 'x'])],
    [415, 'no picture', formOf(Buffer.from('hello'))],
    [413, 'more than 8 MB', formOf(Buffer.concat([jpeg, Buffer.alloc(8 * 1024 * 1024)]))],
  ]
  for (const [status, label, body] of cases) {
    const answer = await sendForm(app, user, body, 'POST /v1/media')
    t.equal(answer.status, status, label)
    t.match(answer.headers['content-type'], 'application/problem+json', label)
  }
  t.strictSame(await objectKeys(app), before)
  const first = await sendForm(
    app,
    user,
    formWith(['alt', 'before'], ['file', file]),
    'POST /v1/media',
  )
  t.match([first.status, first.body.alt], [201, 'before'], 'alt may come first')
})

t.test('the owner can delete an unused picture', async (t) => {
  const user = await signUp(app, 'Removes')
  const before = await objectKeys(app)
  const { id, variants } = await newMedia(app, user, await plain(900, 900))
  t.equal((await objectKeys(app)).length, before.length + 3)
  const remove = () => call(app, `DELETE /v1/media/${id}`, { as: user })
  t.equal((await remove()).status, 204)
  t.equal((await remove()).status, 404)
  t.equal((await call(app, `GET /v1/media/${id}`, { as: user })).status, 404)
  await drained(app)
  t.equal((await fetch(variants.large.url)).status, 404)
  t.strictSame(await objectKeys(app), before)

  const used = await newMedia(app, user, jpeg)
  await tweet(app, user, 'used', { mediaIds: [used.id] })
  const refused = await call(app, `DELETE /v1/media/${used.id}`, { as: user })
  t.match([refused.status, refused.body.code], [409, 'MEDIA_USED'])
  t.equal((await fetch(used.variants.small.url)).status, 200)
})

t.test('a header is stored like an avatar, in wide sizes', async (t) => {
  const user = await signUp(app, 'Header')
  const path = `/v1/users/${user.id}/header`
  t.equal((await read(app, '/v1/users/me', user)).header, null)
  t.match((await call(app, `GET ${path}`)).body, { status: 404, code: 'HEADER_NOT_FOUND' })
  const before = await objectKeys(app)
  const set = (bytes: Buffer) =>
    sendForm(app, user, formOf(bytes), 'PUT /v1/users/me/header').then(({ status, body }) => {
      t.equal(status, 200)
      return body.header
    })
  const first = await set(await plain(1000, 1000))
  const widths = { small: 480, medium: 960, large: 1500 }
  for (const [size, width] of Object.entries(widths)) {
    const bytes = Buffer.from(await (await fetch(first[size])).arrayBuffer())
    t.match(await sharp(bytes).metadata(), { format: 'webp', width, height: width / 3 })
    const { status, headers } = await call(app, `GET ${path}?size=${size}`)
    t.match([status, headers.location], [302, first[size]])
  }
  t.strictSame((await read(app, `/v1/users/${user.id}`)).header, first)
  t.equal((await read(app, '/v1/users/me', user)).avatar, null)
  const second = await set(jpeg)
  t.not(second.large, first.large)
  await drained(app)
  t.equal((await objectKeys(app)).length, before.length + 3, 'replaced objects are deleted')
  t.equal((await call(app, 'DELETE /v1/users/me/header', { as: user })).status, 204)
  t.equal((await read(app, '/v1/users/me', user)).header, null)
  await drained(app)
  t.strictSame(await objectKeys(app), before)
  t.equal((await call(app, 'GET /v1/users/999999/header')).body.code, 'USER_NOT_FOUND')
})
