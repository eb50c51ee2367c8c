import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
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
  const client = (accessKeyId: string) =>
    new S3Client({
      endpoint: settings.S3_ENDPOINT,
      region: settings.S3_REGION,
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey: 'any' },
    })
  const [own, other] = [client(settings.AWS_ACCESS_KEY_ID), client('embedded')]
  const object = { Bucket: 'birdhouse', Key: 'pictures/one' }

  await own.send(new PutObjectCommand({ ...object, Body: 'egg' }))
  const put = other.send(new PutObjectCommand({ ...object, Body: 'cuckoo' }))
  t.equal(await statusOf(put), 403)
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
  t.equal(await (await fetch(url)).text(), 'egg', 'the object is unchanged')
})
