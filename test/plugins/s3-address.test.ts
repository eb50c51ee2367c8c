import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { build } from '../../app.ts'
import type { Env } from '../../plugins/config/index.ts'
import { bucketUrl, createClient } from '../../plugins/s3/client.ts'
import { call, read, settings, setUp, signUp } from '../helper.ts'
import { objectKeys, plain, upload } from '../multipart.ts'
import { type Fault, signAnew, startS3FaultProxy } from '../s3-fault-proxy.ts'
import { signatureOf } from './signature.ts'

const embedded = !process.env.TEST_S3_ENDPOINT
const PREFIX = '/storage/v1/s3'
const picture = await plain()

/** A store below a path, as Supabase's is; what does not begin with the path is not found. */
const below: Fault = ({ request, response, pass }) => {
  if (!request.url?.startsWith(`${PREFIX}/`)) return response.writeHead(404).end()
  request.url = request.url.slice(PREFIX.length)
  if (request.headers.authorization) signAnew(request)
  // A signature in the query is over the whole path; the object is public here.
  else request.url = request.url.replace(/\?.*/, '')
  pass()
}

async function storeBelowPath(t: Test, env: Env) {
  const front = await startS3FaultProxy(t, env.S3_ENDPOINT ?? '')
  front.misbehave(below)
  return front.url.replace(/\/$/, PREFIX)
}

/** Answers reads of clients with this status, and passes on whatever the SDK signs. */
const refuseReads =
  (status: number): Fault =>
  ({ request, response, pass }) =>
    request.method === 'GET' ? response.writeHead(status).end() : pass()

const bootError = (env: Env) =>
  build(env).then(
    async (app) => {
      await app.close()
      return 'it boots'
    },
    (error: Error) => error.message,
  )

for (const presign of ['false', 'true']) {
  const skip = !embedded && 'signatures are over the path of the front'
  t.test(`a store below a path, S3_PRESIGN=${presign}`, { skip }, async (t) => {
    const env = await settings(t)
    const endpoint = await storeBelowPath(t, env)
    const app = await setUp(t, { ...env, S3_ENDPOINT: `${endpoint}/`, S3_PRESIGN: presign })
    for (let waits = 0; (await objectKeys(app)).length > 0 && waits < 100; waits++) await sleep(100)
    t.strictSame(await objectKeys(app), [], 'the test picture of the boot is deleted')
    const user = await signUp(app, 'Below')
    t.equal((await upload(app, picture, { as: user })).status, 200)
    const { avatar } = await read(app, '/v1/users/me', user)
    for (const url of Object.values<string>(avatar)) {
      t.ok(url.startsWith(`${endpoint}/${env.S3_BUCKET}/avatars/`), url)
      t.equal((await fetch(url)).status, 200)
      if (presign === 'false') continue
      const signature = new URL(url).searchParams.get('X-Amz-Signature')
      const secret = process.env.AWS_SECRET_ACCESS_KEY ?? ''
      t.equal(signature, signatureOf(new URL(url), secret), 'the signature is over the whole path')
    }
  })
}

t.test(
  'a bucket whose pictures cannot be fetched stops the boot',
  { skip: !embedded },
  async (t) => {
    const env = await settings(t)
    const front = await startS3FaultProxy(t, env.S3_ENDPOINT ?? '')
    const bucket = { ...env, S3_ENDPOINT: front.url }
    const cases: [number, Env, RegExp][] = [
      [403, bucket, /answers 403\. The bucket is not public: set S3_PRESIGN to true/],
      [403, { ...bucket, S3_PRESIGN: 'true' }, /answers 403\. Check .* s3:GetObject/],
      [404, bucket, /answers 404\. Check S3_ENDPOINT and S3_FORCE_PATH_STYLE/],
      [200, bucket, /answers with null\. Check S3_ENDPOINT/],
    ]
    for (const [status, settings, sentence] of cases) {
      front.misbehave(refuseReads(status))
      t.match(await bootError(settings), sentence)
    }
    front.misbehave(({ request, response, pass }) =>
      request.method === 'PUT' ? response.writeHead(403).end() : pass(),
    )
    for (const more of [{}, { MEDIA_BASE_URL: 'http://127.0.0.1:9' }]) {
      t.match(
        await bootError({ ...bucket, ...more }),
        /refuses the credentials \(403\).*s3:PutObject/,
      )
    }
  },
)

t.test('an unreachable CDN is reported and stops nothing', { skip: !embedded }, async (t) => {
  const env = await settings(t)
  const cdn = await startS3FaultProxy(t, env.S3_ENDPOINT ?? '')
  cdn.misbehave(({ response }) => response.writeHead(502).end())
  const base = `${cdn.url}${env.S3_BUCKET}`
  const app = await setUp(t, { ...env, MEDIA_BASE_URL: base })
  const away = await call(app, 'GET /readyz')
  t.match([away.status, away.body.checks], [200, { storage: 'ok', pictures: 'failed' }])
  await t.rejects(app.s3.readBack(), { message: /answers 502\. Check that MEDIA_BASE_URL leads/ })

  cdn.misbehave()
  // A failure counts for five seconds.
  const pictures = async () => (await call(app, 'GET /readyz')).body.checks.pictures
  for (let waits = 0; (await pictures()) !== 'ok' && waits < 300; waits++) await sleep(100)
  const asked = cdn.seen.length
  t.equal((await call(app, 'GET /readyz')).body.checks.pictures, 'ok')
  t.equal(cdn.seen.length, asked, 'a successful check is not repeated')
  for (let waits = 0; (await objectKeys(app)).length > 0 && waits < 100; waits++) await sleep(100)
  t.strictSame(await objectKeys(app), [], 'the pictures are deleted')
  t.equal(app.s3.url('key'), `${base}/key`)
})

t.test('an HTML page instead of pictures is reported', { skip: !embedded }, async (t) => {
  const env = await settings(t)
  const page = await startS3FaultProxy(t, env.S3_ENDPOINT ?? '')
  page.misbehave(({ response }) => {
    response.setHeader('content-type', 'text/html').end('<h1>Welcome</h1>')
  })
  const app = await setUp(t, { ...env, MEDIA_BASE_URL: page.url })
  await t.rejects(app.s3.readBack(), { message: /answers with text\/html\. Check that MEDIA_BASE/ })
})

t.test('simultaneous starts delete their test pictures', { skip: !embedded }, async (t) => {
  const env = await settings(t)
  const apps = await Promise.all([env, env, env].map((one) => build(one)))
  for (const app of apps) t.teardown(() => app.close())
  t.strictSame(await objectKeys(apps[0] as (typeof apps)[0]), [])
})

t.test('picture URLs have the address that the SDK writes to', { skip: !embedded }, async (t) => {
  const cases: [object, string][] = [
    [{}, 'https://birds.s3.eu-west-1.amazonaws.com'],
    [{ region: 'cn-north-1' }, 'https://birds.s3.cn-north-1.amazonaws.com.cn'],
    [{ bucket: 'a.b' }, 'https://s3.eu-west-1.amazonaws.com/a.b'],
    [{ endpoint: 'https://s3.example' }, 'https://birds.s3.example'],
    [{ endpoint: 'http://10.0.0.1:9000' }, 'http://10.0.0.1:9000/birds'],
    [{ endpoint: 'https://s3.example/a', forcePathStyle: true }, 'https://s3.example/a/birds'],
    [{ endpoint: 'https://s3.example/a' }, 'https://birds.s3.example/a'],
  ]
  for (const [change, url] of cases) {
    const place = {
      endpoint: undefined,
      region: 'eu-west-1',
      bucket: 'birds',
      forcePathStyle: false,
      presign: false,
      ...change,
    }
    const client = createClient(place)
    t.equal(await bucketUrl(client, place.bucket), url)
    client.destroy()
  }
})
