import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import sharp from 'sharp'
import t from 'tap'
import { type App, call, drained, login, read, setUp, signUp, tweet, type User } from '../helper.ts'
import { formOf, formWith, keyOf, sendForm, upload } from '../multipart.ts'
import { startTcpProxy } from '../tcp-proxy.ts'

const app = await setUp(t)
const SIZES = { small: 48, medium: 128, large: 400 }

/** Red on the left, blue on the right. */
const picture = (width = 600, height = 400) =>
  sharp({ create: { width, height, channels: 3, background: 'blue' } }).composite([
    {
      input: {
        create: { width: Math.ceil(width / 2), height, channels: 3, background: 'red' },
      },
      left: 0,
      top: 0,
    },
  ])

const jpeg = await picture().jpeg().toBuffer()

async function keys(where: App = app) {
  const { Contents = [] } = await where.s3.client.send(
    new ListObjectsV2Command({ Bucket: where.config.s3.bucket }),
  )
  return Contents.map(({ Key }) => Key ?? '').sort()
}

const ownKeys = async (user: User, where: App = app) => {
  const { avatar } = await read(where, '/v1/users/me', user)
  const all = await keys(where)
  return Object.values<string>(avatar ?? {})
    .map((url) => keyOf(where, url))
    .filter((key) => all.includes(key))
}

/** The bytes behind a URL, as any client would fetch them. */
async function fetched(url: string) {
  const response = await fetch(url)
  const bytes = Buffer.from(await response.arrayBuffer())
  return { response, bytes, metadata: await sharp(bytes).metadata() }
}

/** Red, green, blue at a spot given in percent. */
async function colour(bytes: Buffer, x: number, y: number) {
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const at =
    (Math.floor((y / 100) * info.height) * info.width + Math.floor((x / 100) * info.width)) * 3
  const [red = 0, , blue = 0] = data.subarray(at, at + 3)
  return red > 150 && blue < 100 ? 'red' : blue > 150 && red < 100 ? 'blue' : 'other'
}

t.test('a picture of any of five formats becomes three WebP squares', async (t) => {
  const user = await signUp(app, 'Formats')
  const files: Record<string, Buffer> = {
    jpeg,
    png: await picture().png().toBuffer(),
    webp: await picture().webp().toBuffer(),
    gif: await picture().gif().toBuffer(),
    avif: await picture(200, 150).avif({ effort: 0 }).toBuffer(),
  }
  for (const [format, bytes] of Object.entries(files)) {
    // Neither the name nor the type that is claimed says what a file is.
    const { status, body } = await upload(app, bytes, {
      as: user,
      name: 'a.txt',
      type: 'text/plain',
    })
    t.equal(status, 200, format)
    t.equal(body.email, user.email)
    t.strictSame(Object.keys(body.avatar), Object.keys(SIZES))
    for (const [size, pixels] of Object.entries(SIZES)) {
      const { response, bytes, metadata } = await fetched(body.avatar[size])
      t.equal(response.status, 200)
      t.equal(response.headers.get('content-type'), 'image/webp')
      t.match(response.headers.get('cache-control'), /max-age=31536000, immutable/)
      t.match(metadata, { format: 'webp', width: pixels, height: pixels, space: 'srgb' })
      t.equal(await colour(bytes, 25, 50), 'red', `${format} ${size}`)
      t.equal(await colour(bytes, 75, 50), 'blue')
    }
  }
  await drained(app)
  t.equal((await keys()).length, 3, 'replaced objects are deleted')
  t.equal((await ownKeys(user)).length, 3)
})

t.test('unusual pictures are accepted', async (t) => {
  const user = await signUp(app, 'Odd')
  const odd: Record<string, Buffer> = {
    'one pixel': await picture(1, 1).png().toBuffer(),
    'very wide': await picture(3000, 10).png().toBuffer(),
    transparent: await sharp({
      create: { width: 60, height: 60, channels: 4, background: '#ff000000' },
    })
      .png()
      .toBuffer(),
    'grey of 16 bits': await picture().greyscale().toColourspace('grey16').png().toBuffer(),
    CMYK: await picture().toColourspace('cmyk').jpeg().toBuffer(),
    animated: await sharp(Buffer.alloc(40 * 80 * 3, 200), {
      raw: { width: 40, height: 80, channels: 3, pageHeight: 40 },
    })
      .gif({ loop: 0, delay: [10, 10] })
      .toBuffer(),
  }
  for (const [label, bytes] of Object.entries(odd)) {
    const { status, body } = await upload(app, bytes, { as: user })
    t.equal(status, 200, label)
    const { metadata } = await fetched(body.avatar.large)
    t.match(metadata, { format: 'webp', width: 400, height: 400 }, label)
    t.notOk(metadata.pages && metadata.pages > 1, 'one frame')
  }
})

t.test('pictures are upright and have no metadata', async (t) => {
  const user = await signUp(app, 'Exif')
  // Turned by 90 degrees clockwise for showing: the left side becomes the top.
  const photo = await picture()
    .withMetadata({ orientation: 6 })
    .withExif({
      IFD0: { Copyright: 'QSECRET', Make: 'QSECRET', Orientation: '6' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '37/1 33/1 58/1', GPSLongitudeRef: 'E' },
    })
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>QSECRET</rdf:RDF></x:xmpmeta>')
    .withIccProfile('p3')
    .jpeg()
    .toBuffer()
  const before = await sharp(photo).metadata()
  t.equal(before.orientation, 6, 'the sent picture has all metadata')
  t.ok(before.exif && before.xmp && before.icc)
  t.ok(photo.includes('QSECRET'))

  const { body } = await upload(app, photo, { as: user })
  for (const url of Object.values<string>(body.avatar)) {
    const { bytes, metadata } = await fetched(url)
    t.equal(await colour(bytes, 50, 20), 'red', 'red is at the top')
    t.equal(await colour(bytes, 50, 80), 'blue')
    for (const field of ['exif', 'xmp', 'icc', 'iptc', 'orientation'] as const) {
      t.equal(metadata[field], undefined, field)
    }
    t.notOk(bytes.includes('QSECRET'))
    t.notOk(bytes.includes('GPS'))
  }
})

t.test('a file that is not a picture is rejected and changes nothing', async (t) => {
  const user = await signUp(app, 'Refused')
  await upload(app, jpeg, { as: user })
  const before = await read(app, '/v1/users/me', user)
  await drained(app)
  const objects = await keys()
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
  const tiff = await picture(20, 20).tiff().toBuffer()
  const png = await picture().png().toBuffer()
  const cases: [number, string, Buffer, object?][] = [
    [415, 'text', Buffer.from('hello')],
    [415, 'nothing', Buffer.alloc(0)],
    [415, 'SVG', Buffer.from(svg)],
    [415, 'SVG with a declaration', Buffer.from(`<?xml version="1.0"?>${svg}`)],
    [
      415,
      'HTML as PNG',
      Buffer.from('<html><script>alert(1)</script></html>'),
      { name: 'a.png', type: 'image/png' },
    ],
    [415, 'PDF', Buffer.from('%PDF-1.4\n%\u00e2\u00e3\n1 0 obj')],
    [415, 'TIFF', tiff],
    [422, 'half a JPEG', jpeg.subarray(0, jpeg.length / 2)],
    [422, 'half a PNG', png.subarray(0, png.length / 2)],
    [422, 'the start of a JPEG', jpeg.subarray(0, 20)],
    [422, 'noise after a signature', Buffer.concat([png.subarray(0, 8), Buffer.alloc(500, 7)])],
    [415, 'zeroes', Buffer.alloc(1000)],
    [413, 'more than 8 MB', Buffer.concat([jpeg, Buffer.alloc(8 * 1024 * 1024)])],
    [
      413,
      'more than 50 megapixels',
      await sharp({ create: { width: 7100, height: 7100, channels: 3, background: 'red' } })
        .png({ compressionLevel: 1 })
        .toBuffer(),
    ],
  ]
  for (const [status, label, bytes, options] of cases) {
    const answer = await upload(app, bytes, { as: user, ...options })
    t.equal(answer.status, status, label)
    t.match(answer.headers['content-type'], 'application/problem+json', label)
    t.match(answer.body, { status, code: /^[A-Z_]+$/ }, label)
  }
  t.strictSame(await read(app, '/v1/users/me', user), before)
  t.strictSame(await keys(), objects, 'nothing was stored')

  const widest = Buffer.concat([jpeg, Buffer.alloc(8 * 1024 * 1024 - jpeg.length)])
  t.equal((await upload(app, widest, { as: user })).status, 200, 'exactly 8 MB')
})

t.test('forms without exactly one file are rejected', async (t) => {
  const user = await signUp(app, 'Forms')
  await drained(app)
  const objects = await keys()
  const file = new Blob([new Uint8Array(jpeg)])
  const cases: [number, string, FormData][] = [
    [400, 'no part', formWith()],
    [400, 'another name', formOf(jpeg, { field: 'picture' })],
    [400, 'another name and large', formOf(Buffer.alloc(6 * 1024 * 1024), { field: 'picture' })],
    [400, 'a name out of a prototype', formOf(jpeg, { field: '__proto__' })],
    [400, 'text for a file', formWith(['file', 'text'])],
    [400, 'two files', formWith(['file', file], ['file', file])],
    [400, 'a field after', formWith(['file', file], ['name', 'x'])],
    [400, 'a field first', formWith(['name', 'x'], ['file', file])],
  ]
  for (const [status, label, body] of cases) {
    const answer = await sendForm(app, user, body)
    t.equal(answer.status, status, label)
    t.match(answer.headers['content-type'], 'application/problem+json', label)
  }
  t.strictSame(await keys(), objects)
  t.equal((await read(app, '/v1/users/me', user)).avatar, null)
})

t.test('the flat API ignores unknown parts', async (t) => {
  const user = await signUp(app, 'Flat')
  const form = new FormData()
  form.append('comment', 'before')
  form.append('other', new Blob(['not a picture']), 'x')
  form.append('profile-pic', new Blob([new Uint8Array(jpeg)]), 'a.jpg')
  form.append('comment', 'after')
  const headers = { authorization: user.token }
  const answer = await call(app, 'POST /profile-picture/s3', { body: form, headers })
  t.equal(answer.status, 200)
  t.equal((await ownKeys(user)).length, 3)
})

t.test('malformed bodies are rejected', async (t) => {
  const user = await signUp(app, 'Broken')
  await drained(app)
  const objects = await keys()
  const part = 'content-disposition: form-data; name="file"; filename="a.jpg"\r\n'
  const whole = Buffer.concat([
    Buffer.from(`--b\r\n${part}content-type: image/jpeg\r\n\r\n`),
    jpeg,
    Buffer.from('\r\n--b--\r\n'),
  ])
  const put = (payload: Buffer | string | undefined, type: string | undefined) =>
    app.inject({
      method: 'PUT',
      url: '/v1/users/me/avatar',
      ...(payload !== undefined && { payload }),
      headers: {
        authorization: `Bearer ${user.token}`,
        ...(type !== undefined && { 'content-type': type }),
      },
    })
  const MULTIPART = 'multipart/form-data; boundary=b'
  const cases: [number, string, Buffer | string | undefined, string | undefined][] = [
    [400, 'no body', undefined, MULTIPART],
    [400, 'an empty body', '', MULTIPART],
    [400, 'no multipart', 'hello', MULTIPART],
    [400, 'another boundary', whole, 'multipart/form-data; boundary=c'],
    [400, 'cut in the file', whole.subarray(0, whole.length / 2), MULTIPART],
    [400, 'cut in the header', whole.subarray(0, 30), MULTIPART],
    [400, 'cut before the end', whole.subarray(0, whole.length - 4), MULTIPART],
    [400, 'no header', '--b\r\n\r\nx\r\n--b--\r\n', MULTIPART],
    [400, 'no name', '--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n', MULTIPART],
    [400, 'a nul', '--b\r\n\u0000\u0000\r\n\r\nx\r\n--b--\r\n', MULTIPART],
    [400, 'only the end', '--b--\r\n', MULTIPART],
    [400, 'no boundary', whole, 'multipart/form-data'],
    [400, 'an empty boundary', whole, 'multipart/form-data; boundary='],
    [415, 'no type', whole, undefined],
    [400, 'nothing at all', undefined, undefined],
    [415, 'a bare picture', jpeg, 'image/jpeg'],
    [415, 'a form', 'file=x', 'application/x-www-form-urlencoded'],
    [415, 'JSON', '{"file":"x"}', 'application/json'],
    [400, 'broken JSON', '{"file', 'application/json'],
    [415, 'text', 'x', 'text/plain'],
    [415, 'multipart of another kind', whole, 'multipart/mixed; boundary=b'],
  ]
  for (const [status, label, payload, type] of cases) {
    const answer = await put(payload, type)
    t.equal(answer.statusCode, status, label)
    t.match(answer.headers['content-type'], 'application/problem+json', label)
    t.match(answer.json(), { status, code: /^[A-Z_]+$/ }, label)
  }
  t.equal((await put(whole, MULTIPART)).statusCode, 200, 'the same, unbroken')
  t.equal((await keys()).length, objects.length + 3)
  t.equal((await upload(app, jpeg)).status, 401)
})

t.test('interrupted and early rejected uploads leave no object', async (t) => {
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const user = await signUp(app, 'Socket')
  await drained(app)
  const objects = await keys()
  const authorization = `Bearer ${user.token}`
  const put = (body: FormData, headers: Record<string, string> = { authorization }) =>
    fetch(`${address}/v1/users/me/avatar`, { method: 'PUT', body, headers })

  const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
  const begin = (length: number) => {
    const socket = connect(Number(new URL(address).port), '127.0.0.1')
    socket.write(
      `PUT /v1/users/me/avatar HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n` +
        'content-type: multipart/form-data; boundary=b\r\nconnection: close\r\n' +
        `content-length: ${head.length + length}\r\n\r\n${head}`,
    )
    return socket
  }
  const broken = begin(100_000)
  broken.write('abc')
  await sleep(50)
  broken.destroy()

  // The last byte comes late, after the server has read all that it takes.
  const tail = 'x\r\n--b--\r\n'
  const limit = Buffer.concat([jpeg, Buffer.alloc(8 * 1024 * 1024 - jpeg.length)])
  const slow = begin(limit.length + tail.length)
  const answered = once(slow, 'data')
  slow.write(limit)
  await sleep(500)
  slow.write(tail)
  const [answer] = await answered
  t.match(String(answer), /^HTTP\/1.1 413 /, 'one byte more than 8 MB')

  const large = formOf(Buffer.alloc(12 * 1024 * 1024))
  t.equal((await put(large)).status, 413, 'the client hears why')
  t.equal((await put(formOf(Buffer.alloc(4 * 1024 * 1024), { field: 'x' }))).status, 400)
  t.equal((await put(large, {})).status, 401)
  const two = formOf(jpeg)
  two.append('file', new Blob([new Uint8Array(4 * 1024 * 1024)]))
  t.equal((await put(two)).status, 400)
  t.strictSame(await keys(), objects)

  t.equal((await put(formOf(jpeg))).status, 200)
  for (const [size, pixels] of [...Object.entries(SIZES), ['', 400] as const]) {
    const query = size ? `?size=${size}` : ''
    const response = await fetch(`${address}/v1/users/${user.id}/avatar${query}`)
    t.equal(response.status, 200)
    t.equal(response.redirected, true)
    t.equal(response.headers.get('content-type'), 'image/webp')
    const metadata = await sharp(Buffer.from(await response.arrayBuffer())).metadata()
    t.equal(metadata.width, pixels)
  }
})

t.test('an avatar is found by user id', async (t) => {
  const user = await signUp(app, 'Found')
  const path = `/v1/users/${user.id}/avatar`
  const none = await call(app, `GET ${path}`)
  t.equal(none.status, 404)
  t.equal(none.body.code, 'AVATAR_NOT_FOUND')
  const nobody = await call(app, 'GET /v1/users/999999/avatar')
  t.equal(nobody.status, 404)
  t.equal(nobody.body.code, 'USER_NOT_FOUND')

  const { avatar } = (await upload(app, jpeg, { as: user })).body
  for (const size of ['small', 'medium', 'large']) {
    const { status, headers } = await call(app, `GET ${path}?size=${size}`)
    t.equal(status, 302)
    t.equal(headers.location, avatar[size])
    t.match(headers['cache-control'], /max-age=\d{1,3}$/, 'the redirect is not kept for long')
  }
  for (const query of ['size=huge', 'size=', 'size=48', 'size=small&size=large', 'width=1']) {
    t.equal((await call(app, `GET ${path}?${query}`)).status, 400, query)
  }
  t.equal((await call(app, 'GET /v1/users/0/avatar')).status, 400)

  const { author } = await tweet(app, user)
  t.strictSame(author.avatar, avatar, 'tweets show it')
  t.strictSame((await read(app, `/v1/users/${user.id}`)).avatar, avatar)
  const secret = keyOf(app, avatar.large).match(/^avatars\/([\w-]+)\/400\.webp$/)
  t.equal(secret?.[1]?.length, 32, '192 random bits')
})

t.test('a new picture replaces the old one and deletes its objects', async (t) => {
  const user = await signUp(app, 'Replace')
  await drained(app)
  const before = await keys()
  const first = (await upload(app, jpeg, { as: user })).body.avatar
  const second = (await upload(app, jpeg, { as: user })).body.avatar
  t.not(first.large, second.large, 'the same picture again gets another address')
  await drained(app)
  t.equal((await keys()).length, before.length + 3)
  t.equal((await fetch(first.large)).status, 404)
  t.equal((await fetch(second.large)).status, 200)

  const atOnce = await Promise.all(Array.from({ length: 4 }, () => upload(app, jpeg, { as: user })))
  t.ok(atOnce.every(({ status }) => status === 200))
  await drained(app)
  t.equal((await keys()).length, before.length + 3, 'one of several concurrent uploads stays')
  t.equal((await ownKeys(user)).length, 3)

  const remove = () => call(app, 'DELETE /v1/users/me/avatar', { as: user })
  t.equal((await remove()).status, 204)
  t.equal((await read(app, '/v1/users/me', user)).avatar, null)
  t.equal((await call(app, `GET /v1/users/${user.id}/avatar`)).status, 404)
  t.equal((await remove()).status, 204, 'twice is fine')
  await drained(app)
  t.strictSame(await keys(), before)
  t.equal((await call(app, 'DELETE /v1/users/me/avatar')).status, 401)
})

t.test('during an S3 outage only pictures cannot change', async (t) => {
  const proxy = await startTcpProxy(t, app.config.s3.endpoint ?? '')
  const other = await setUp(t, { S3_ENDPOINT: proxy.url, LOG_LEVEL: 'silent' })
  const user = await signUp(other, 'Faults')
  const { avatar } = (await upload(other, jpeg, { as: user })).body
  const before = await read(other, '/v1/users/me', user)

  proxy.cut()
  const failed = await upload(other, jpeg, { as: user })
  t.equal(failed.status, 503)
  t.equal(failed.body.code, 'STORAGE_UNAVAILABLE')
  t.ok(Number(failed.headers['retry-after']) > 0)
  t.strictSame(await read(other, '/v1/users/me', user), before, 'the profile is unchanged')
  const { status, headers } = await call(other, `GET /v1/users/${user.id}/avatar`)
  t.equal(status, 302)
  t.equal(headers.location, avatar.large)
  await tweet(other, user)
  await login(user, other)
  t.equal((await read(other, '/v1/timeline', user)).items.length, 1)
  const second = await signUp(other, 'Meanwhile')
  t.equal((await upload(other, Buffer.from('x'), { as: second })).status, 415)
  const ready = await call(other, 'GET /readyz')
  t.match([ready.status, ready.body.checks], [200, { database: 'ok', storage: 'failed' }])
  t.equal((await call(other, 'DELETE /v1/users/me/avatar', { as: user })).status, 204)
  t.equal((await read(other, '/v1/users/me', user)).avatar, null)

  proxy.mend()
  t.equal((await upload(other, jpeg, { as: user })).status, 200, 'uploads succeed after the outage')
  await drained(other)
  t.equal((await ownKeys(user, other)).length, 3)
  t.equal((await keys(other)).length, 3, 'objects deleted during the outage are removed')
  const [key] = await keys(other)
  const object = await other.s3.client.send(
    new GetObjectCommand({ Bucket: other.config.s3.bucket, Key: key }),
  )
  t.equal(object.ContentType, 'image/webp')
})
