import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import aws4 from 'aws4'
import { test } from 'tap'
import { startS3 } from '../../local/s3.ts'

const statusOf = (answer: Promise<unknown>) =>
  answer.then(
    () => 200,
    (error) => error.$metadata?.httpStatusCode,
  )

test('the embedded store obeys only its own access key; anyone may fetch an object', async (t) => {
  const { settings, stop } = await startS3({ bucket: 'birdhouse', port: 0 })
  t.teardown(stop)
  const client = (accessKeyId: string, secretAccessKey: string) =>
    new S3Client({
      endpoint: settings.S3_ENDPOINT,
      region: settings.S3_REGION,
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey },
    })
  const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = settings
  const [own, other] = [client(key, secret), client('embedded', 'any')]
  // The id of the key stands in each signed URL.
  const knowsId = client(key, key)
  const object = { Bucket: 'birdhouse', Key: 'pictures/one' }

  await own.send(new PutObjectCommand({ ...object, Body: 'egg' }))
  const put = other.send(new PutObjectCommand({ ...object, Body: 'cuckoo' }))
  t.equal(await statusOf(put), 403)
  t.equal(await statusOf(knowsId.send(new PutObjectCommand({ ...object, Body: 'cuckoo' }))), 403)
  const list = other.send(new ListObjectsV2Command({ Bucket: 'birdhouse' }))
  t.equal(await statusOf(list), 403)
  t.equal((await own.send(new ListObjectsV2Command({ Bucket: 'birdhouse' }))).KeyCount, 1)

  const url = `${settings.S3_ENDPOINT}/birdhouse/pictures/one`
  t.equal(await (await fetch(url)).text(), 'egg')
  t.equal(await (await fetch(await getSignedUrl(own, new GetObjectCommand(object)))).text(), 'egg')
  for (const [method, path] of [
    ['DELETE', url],
    ['PUT', url],
    ['GET', `${settings.S3_ENDPOINT}/birdhouse?list-type=2`],
    ['POST', settings.S3_ENDPOINT],
  ] as const) {
    t.equal((await fetch(path, { method })).status, 403, `${method} ${path} without a key`)
  }
  const signed = await getSignedUrl(own, new GetObjectCommand(object))
  t.equal((await fetch(signed, { method: 'DELETE' })).status, 403, 'a signature of another method')
  t.equal(
    (
      await fetch(
        signed.replace('pictures%2Fone', 'pictures%2Ftwo').replace('pictures/one', 'pictures/two'),
      )
    ).status,
    403,
  )
  t.equal((await fetch(signed.replace(/X-Amz-Date=\d{8}/, 'X-Amz-Date=20200101'))).status, 403)
  t.equal(await (await fetch(url)).text(), 'egg', 'the object is unchanged')
})

/** A request whose path is sent as it is; a URL would be normalised. */
const raw = (endpoint: string, method: string, path: string, headers: Record<string, string>) =>
  new Promise<number | undefined>((resolve, reject) => {
    const { hostname, port } = new URL(endpoint)
    request({ hostname, port, method, path, headers }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
      .on('error', reject)
      .end(method === 'PUT' ? 'egg' : undefined)
  })

test('the embedded store answers its own host alone, and writes nowhere else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-s3-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const store = join(folder, 's3')
  const { settings, stop } = await startS3({ folder: store, bucket: 'birdhouse', port: 0 })
  t.teardown(stop)
  const { host } = new URL(settings.S3_ENDPOINT)
  const credentials = {
    accessKeyId: settings.AWS_ACCESS_KEY_ID,
    secretAccessKey: settings.AWS_SECRET_ACCESS_KEY,
  }
  const signedPut = (path: string, as = host) => {
    const options = {
      service: 's3',
      region: settings.S3_REGION,
      method: 'PUT',
      host: as,
      path,
      headers: { 'content-type': 'image/webp' },
      body: 'egg',
    }
    const { headers = {} } = aws4.sign(options, credentials)
    return raw(settings.S3_ENDPOINT, 'PUT', path, {
      ...(headers as Record<string, string>),
      host: as,
    })
  }
  t.equal(await signedPut('/birdhouse/one'), 200)
  t.equal(await signedPut('/birdhouse/two', 'attacker.example'), 403)
  t.equal(await raw(settings.S3_ENDPOINT, 'GET', '/birdhouse/one', { host }), 200)
  t.equal(
    await raw(settings.S3_ENDPOINT, 'GET', '/birdhouse/one', { host: 'attacker.example' }),
    403,
  )
  for (const path of [
    '/birdhouse/..%2f..%2f..%2f..%2fout',
    '/birdhouse/a/%2e%2e/%2e%2e/out',
    '/birdhouse/../../out',
    '/..%2f..%2fout/x',
  ])
    t.equal(await signedPut(path), 400, path)
  t.strictSame(readdirSync(folder), ['s3'])
  t.equal(statSync(store).mode & 0o777, 0o700)
  t.strictSame(readdirSync(join(store, 'buckets/birdhouse')).sort(), ['.bucket.json', 'objects'])
})
