import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer as createTcp, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { requireBucket, requireCredentials } from '../../plugins/s3/client.ts'

/** Listens on a free port of this machine, which it returns. */
async function listen(t: Test, server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return (server.address() as { port: number }).port
}

/** With what sentence the bucket at this endpoint is refused. */
const refusal = (endpoint: string | undefined, more = {}) =>
  requireBucket({
    endpoint,
    region: 'us-east-1',
    bucket: 'pictures',
    forcePathStyle: true,
    presign: false,
    ...more,
  }).then(
    () => 'taken',
    (error: Error) => error.message,
  )

const begin = (endpoint: string) =>
  `The bucket pictures cannot be reached at S3_ENDPOINT ${endpoint}: `

t.test('each answer of a store is explained', async (t) => {
  const cases: [number, object, RegExp][] = [
    [301, { 'x-amz-bucket-region': 'eu-west-1' }, /another region\. Set S3_REGION to eu-west-1\.$/],
    [400, { 'x-amz-bucket-region': 'eu-west-1' }, /another region\. Set S3_REGION to eu-west-1\.$/],
    [301, {}, /answers 301, .* Set S3_REGION/],
    [403, {}, /refuses the credentials \(403\)\. Check AWS_ACCESS_KEY_ID .*s3:ListBucket/],
    [403, { 'x-amz-bucket-region': 'us-east-1' }, /refuses the credentials \(403\)/],
    [404, {}, /no such bucket \(404\)\. Check S3_BUCKET/],
    [405, {}, /answers 405\. Check that S3_ENDPOINT is an S3 store/],
    [500, {}, /it answers 500/],
    [503, {}, /it answers 503/],
  ]
  for (const [status, headers, sentence] of cases) {
    const answer: RequestListener = (_, response) =>
      response.writeHead(status, { ...headers }).end()
    const endpoint = `http://127.0.0.1:${await listen(t, createHttp(answer))}`
    const said = await refusal(endpoint)
    t.ok(said.startsWith(begin(endpoint)), said)
    t.match(said, sentence)
  }
})

t.test('an address without a store is explained', async (t) => {
  const closed = createTcp()
  const port = await listen(t, closed)
  await new Promise((resolve) => closed.close(resolve))
  t.match(await refusal(`http://127.0.0.1:${port}`), /it refuses connections\. Check the host and/)
  t.match(await refusal('http://store.invalid'), /the host store\.invalid is not known/)
  t.match(
    await refusal('http://store.invalid', { forcePathStyle: false }),
    /the host pictures\.store\.invalid is not known\. .* set S3_FORCE_PATH_STYLE to true/,
  )
  const other = await listen(
    t,
    createTcp((socket) => socket.end('SSH-2.0-OpenSSH\r\n')),
  )
  t.match(await refusal(`http://127.0.0.1:${other}`), /does not speak HTTP/)
})

t.test('TLS mismatches are explained', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-tls-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [keyout, out] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const options = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=store'
  execFileSync('openssl', ['req', ...options.split(' '), '-keyout', keyout, '-out', out], {
    stdio: 'pipe',
  })
  const answer: RequestListener = (_, response) => response.end()
  const plain = await listen(t, createHttp(answer))
  const tls = await listen(
    t,
    createHttps({ key: readFileSync(keyout), cert: readFileSync(out) }, answer),
  )
  t.match(await refusal(`https://127.0.0.1:${plain}`), /write http:\/\/ instead of https:\/\//)
  t.match(await refusal(`http://127.0.0.1:${tls}`), /write https:\/\/ instead of http:\/\//)
  t.match(
    await refusal(`https://127.0.0.1:${tls}`),
    /certificate is not accepted \(DEPTH_ZERO_SELF/,
  )
})

t.test('missing credentials are named', async (t) => {
  const before = { ...process.env }
  t.teardown(() => Object.assign(process.env, before))
  delete process.env.AWS_ACCESS_KEY_ID
  delete process.env.AWS_SECRET_ACCESS_KEY
  process.env.AWS_EC2_METADATA_DISABLED = 'true'
  t.teardown(() => delete process.env.AWS_EC2_METADATA_DISABLED)
  const place = {
    endpoint: undefined,
    region: 'us-east-1',
    bucket: 'pictures',
    forcePathStyle: false,
    presign: false,
  }
  const sentence =
    /^No credentials for the bucket pictures .*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS/
  await t.rejects(requireCredentials(place), { message: sentence })
  t.match(await refusal('http://127.0.0.1:9'), sentence)
})
