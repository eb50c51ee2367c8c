import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  request as requestTo,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import aws4 from 'aws4'

/** A test, or whoever else ends what it has started. */
type Owner = { teardown: (stop: () => void) => unknown }
type Exchange = { request: IncomingMessage; response: ServerResponse; pass: () => void }
/** The fate of a request instead of being passed on. */
export type Fault = (exchange: Exchange, target: URL) => unknown

/** A way to an object store, at `url`, that can misbehave as stores and networks do. */
export async function startS3FaultProxy(t: Owner, target: string) {
  const store = new URL(target)
  let fault: Fault | undefined
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    request.on('error', () => {})
    const pass = () => void forward(request, response, store)
    if (fault) fault({ request, response, pass }, store)
    else pass()
  })
  let most = 0
  server.on('connection', () => {
    server.getConnections((_, count) => {
      most = Math.max(most, count)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.port = String((server.address() as AddressInfo).port)

  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: url.href,
    /** Requests so far, for example 'PUT /bucket/key'. */
    seen,
    mostConnections: () => most,
    /** From now on; nothing means that it works again. */
    misbehave(next?: Fault) {
      fault = next
      if (!next) server.closeAllConnections()
    },
  }
}

function forward(request: IncomingMessage, response: ServerResponse, store: URL) {
  const { method, url: path, headers } = request
  const { hostname, port } = store
  const onward = requestTo({ hostname, port, method, path, headers })
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  return request.pipe(onward)
}

/** The access key of the embedded store, before a test changes it. */
const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env

/** Signs a request for the embedded store, whose signature is over another path or by another key. */
export function signAnew({ method = 'GET', url: path = '/', headers }: IncomingMessage) {
  const { host = '', 'x-amz-content-sha256': hash = 'UNSIGNED-PAYLOAD' } = headers
  const { headers: signed } = aws4.sign(
    {
      service: 's3',
      region: 'us-east-1',
      method,
      path,
      headers: { host, 'x-amz-content-sha256': String(hash) },
    },
    { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
  )
  headers.authorization = String(signed?.Authorization)
  headers['x-amz-date'] = String(signed?.['X-Amz-Date'])
  headers['x-amz-content-sha256'] = String(hash)
}

/** Takes requests and says nothing. */
export const hang: Fault = ({ request }) => request.resume()

/** Answers late, in milliseconds. */
export const slow =
  (delay: number): Fault =>
  async ({ pass }) => {
    await sleep(delay)
    pass()
  }

/** Asks to slow down so many times, then works. */
export function slowDown(times = Number.POSITIVE_INFINITY): Fault {
  let left = times
  return ({ request, response, pass }) => {
    if (left-- <= 0) return pass()
    request.resume()
    const body =
      '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'
    response.writeHead(503, { 'content-type': 'application/xml' }).end(body)
  }
}

/** Resets connections after a part of an upload has come through. */
export const cutUploads: Fault = ({ request, response, pass }, store) => {
  if (request.method !== 'PUT') return pass()
  const onward = forward(request, response, store)
  request.once('data', () => {
    request.unpipe(onward)
    onward.destroy()
    request.socket.resetAndDestroy()
  })
}

/** Lets uploads through and resets the connection instead of saying so. */
export const loseAnswers: Fault = ({ request, response, pass }, store) => {
  if (request.method !== 'PUT') return pass()
  forward(request, response, store).on('response', () => request.socket.resetAndDestroy())
}
