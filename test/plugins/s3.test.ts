import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import t from 'tap'
import { build } from '../../app.ts'
import { signedUrl } from '../../plugins/s3/signing.ts'
import { call, read, settings, setUp, signUp, tweet } from '../helper.ts'
import { upload } from '../multipart.ts'
import { signAnew, startS3FaultProxy } from '../s3-fault-proxy.ts'
import { signatureOf } from './signature.ts'

const app = await setUp(t)
const embedded = !process.env.TEST_S3_ENDPOINT
const bytes = Buffer.from('<b>not what it says</b>')
const jpeg = await sharp({ create: { width: 500, height: 500, channels: 3, background: 'teal' } })
  .jpeg()
  .toBuffer()

/** The parameters of a URL that say how long it lives, from when, by whose right. */
function terms(url: string) {
  const { searchParams: query } = new URL(url)
  const [, y, mo, d, h, mi, s] =
    query.get('X-Amz-Date')?.match(/(....)(..)(..)T(..)(..)(..)Z/) ?? []
  const from = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`)
  const until = from + Number(query.get('X-Amz-Expires')) * 1000
  const token = query.get('X-Amz-Security-Token')
  return { from, until, id: query.get('X-Amz-Credential')?.split('/')[0], token }
}

t.test('objects have inline disposition and immutable caching', async (t) => {
  await app.s3.put('shown', bytes, 'image/webp')
  const { headers } = await fetch(app.s3.url('shown'))
  t.match(Object.fromEntries(headers), {
    'content-type': 'image/webp',
    'cache-control': 'public, max-age=31536000, immutable',
    'content-disposition': 'inline',
  })
  await app.s3.remove(['shown', 'never was'])
  t.equal((await fetch(app.s3.url('shown'))).status, 404)
  await t.rejects(app.s3.get('shown'), { code: 'STORAGE_UNAVAILABLE' })
})

t.test('keys are listed page by page from any key', async (t) => {
  const begin = Date.now() - 2_000
  const names = Array.from({ length: 1_003 }, (_, i) => `list/${String(i).padStart(4, '0')}`)
  for (let i = 0; i < names.length; i += 30) {
    await Promise.all(names.slice(i, i + 30).map((name) => app.s3.put(name, bytes, 'image/webp')))
  }
  await app.s3.put('lists', bytes, 'image/webp')

  const first = await app.s3.list('list/')
  t.strictSame(
    first.objects.map(({ key }) => key),
    names.slice(0, 1_000),
  )
  t.equal(first.next, names[999])
  const { lastModified } = first.objects[0] ?? {}
  t.ok(lastModified && lastModified.getTime() >= begin && lastModified.getTime() <= Date.now())
  const second = await app.s3.list('list/', names[999])
  t.strictSame([second.objects.map(({ key }) => key), second.next], [names.slice(1_000), null])
  const between = await app.s3.list('list/', 'list/1000x')
  t.strictSame(between.objects.length, 2, 'the key to continue after need not exist')
  t.strictSame(await app.s3.list('nothing/'), { objects: [], next: null })
  await app.s3.remove(names.slice(0, 1_000))
  t.equal((await app.s3.list('list/')).objects.length, 3)
})

t.test("signatures equal Amazon's", async (t) => {
  for (const key of ['test.txt', 'media/42-large.webp']) {
    const [accessKeyId, secretAccessKey] = [randomUUID(), randomUUID()]
    const url = signedUrl(
      { base: 'https://birds.s3.example.com', region: 'eu-south-2' },
      { accessKeyId, secretAccessKey },
      key,
      new Date('2026-05-24T00:00:00Z'),
      86_400,
    )
    const { origin, pathname, searchParams } = new URL(url)
    t.equal(origin, 'https://birds.s3.example.com')
    t.equal(decodeURIComponent(pathname), `/${key}`)
    t.equal(
      searchParams.get('X-Amz-Credential'),
      `${accessKeyId}/20260524/eu-south-2/s3/aws4_request`,
    )
    t.equal(searchParams.get('X-Amz-Expires'), '86400')
    t.equal(searchParams.get('X-Amz-Signature'), signatureOf(new URL(url), secretAccessKey))
  }
})

t.test('with S3_PRESIGN every URL is signed, and stays the same for a while', async (t) => {
  const app = await setUp(t, { S3_PRESIGN: 'true' })
  const user = await signUp(app, 'Private')
  const { avatar } = (await upload(app, jpeg, { as: user })).body
  const { author } = await tweet(app, user)
  const sameHour = terms(author.avatar.large).from === terms(avatar.large).from
  t.equal(author.avatar.large === avatar.large, sameHour, 'for the cache of browsers')
  for (const url of Object.values<string>(avatar)) {
    const { from, until, id } = terms(url)
    t.equal(id, process.env.AWS_ACCESS_KEY_ID)
    t.ok(from <= Date.now() && from > Date.now() - 3_601_000)
    t.ok(until - Date.now() > 3_590_000, 'an hour at least')
    t.equal(until - from, 7_200_000, 'two at most')
    t.equal((await fetch(url)).status, 200)
  }
  const redirect = await call(app, `GET /v1/users/${user.id}/avatar`)
  t.match(redirect.headers.location, /&X-Amz-Signature=[0-9a-f]{64}$/)
  const flat = await read(app, `/profile-picture/s3/${user.id}`)
  t.match(flat.img_url, /&X-Amz-Signature=[0-9a-f]{64}$/)

  const post = () =>
    call(app, 'POST /v1/tweets', {
      as: user,
      body: { text: 'once' },
      headers: { 'idempotency-key': 'one' },
    })
  const first = await post()
  await upload(app, jpeg, { as: user })
  const again = await post()
  t.equal(again.body.id, first.body.id)
  t.not(again.body.author.avatar.large, first.body.author.avatar.large, 'the URLs are signed again')
})

t.test('a signature is valid for one key and a limited time', async (t) => {
  await app.s3.put('private', bytes, 'image/webp')
  const place = { base: app.s3.base, region: app.config.s3.region }
  const credentials = await app.s3.client.config.credentials()
  const signed = (minutes: number, seconds: number) =>
    signedUrl(place, credentials, 'private', new Date(Date.now() - minutes * 60_000), seconds)
  const status = async (url: string) => (await fetch(url)).status
  t.equal(await status(signed(59, 7_200)), 200)
  t.equal(await status(signed(121, 7_200)), 403, 'expired')
  t.equal(await status(signed(59, 7_200).replace('7200', '9999')), 403, 'lengthened')
  t.equal(await status(signed(59, 7_200).replace('private', 'another')), 403)
  t.equal(await status(signed(59, 7_200).replace(/.$/, (c) => (c === '0' ? '1' : '0'))), 403)
  // Objects of the embedded store are public.
  if (!embedded) t.ok((await status(`${place.base}/private`)) >= 400, 'unsigned')
})

t.test(
  "URLs are signed with a role's credentials, which are renewed in time",
  { skip: !embedded },
  async (t) => {
    // The endpoint from which a container of ECS or EKS gets the credentials of its role.
    const inMinutes = (n: number) => new Date(Date.now() + n * 60_000).toISOString()
    const lives = [inMinutes(4), inMinutes(60)]
    let current = 0
    const role = createServer((_, response) => {
      const [AccessKeyId, Token] = [`ROLE${current}`, `token/${current}==`]
      const Expiration = lives[current]
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ AccessKeyId, SecretAccessKey: 'secret', Token, Expiration }))
    }).listen(0, '127.0.0.1')
    t.teardown(() => role.close())
    const env = await settings(t)
    const { port } = role.address() as AddressInfo
    const before = { ...process.env }
    t.teardown(() => Object.assign(process.env, before))
    delete process.env.AWS_ACCESS_KEY_ID
    delete process.env.AWS_SECRET_ACCESS_KEY
    process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `http://127.0.0.1:${port}/role`
    const front = await startS3FaultProxy(t, env.S3_ENDPOINT ?? '')
    front.misbehave(({ request, pass }) => {
      if (request.headers.authorization) signAnew(request)
      else request.url = request.url?.replace(/\?.*/, '') ?? ''
      pass()
    })
    const app = await build({ ...env, S3_ENDPOINT: front.url, S3_PRESIGN: 'true' })
    t.teardown(() => app.close())

    const early = terms(app.s3.url('key'))
    t.match(early, { id: /^ROLE0/, token: 'token/0==' })
    t.ok(early.until <= Date.parse(lives[0] ?? ''), 'no longer than the credentials live')
    current = 1
    let late = early
    for (let waits = 0; late.id === early.id && waits < 200; waits++) {
      await sleep(100)
      late = terms(app.s3.url('key'))
    }
    t.match(late, { id: /^ROLE1/, token: 'token/1==' })
    t.ok(late.until > early.until && late.until <= Date.parse(lives[1] ?? ''))
  },
)
