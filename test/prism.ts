import { spawn } from 'node:child_process'
import { join } from 'node:path'
import getPort from 'get-port'
import type { Test } from 'tap'
import { type App, call } from './helper.ts'
import { operationsOf } from './undocumented.ts'

const PRISM = join(import.meta.dirname, '../node_modules/.bin/prism')

type Violation = { location: string[]; message: string }
type Answer = { status: number; body: any; ofRequest: string[]; ofAnswer: string[] }
type Options = {
  as?: { token: string } | undefined
  body?: object
  headers?: Record<string, string>
}

/**
 * Starts Prism in front of the app, which listens: a proxy that compares requests and answers with the
 * app's document. It passes everything on and lists violations in the header sl-violations. Its option
 * --errors would let some pass: an undeclared status is a warning for it.
 */
export async function startPrism(t: Test, app: App) {
  const origin = app.listeningOrigin
  // Prism can't download it: its HTTP client does not work with the current Node.
  const folder = t.testdir({ 'openapi.json': JSON.stringify(app.swagger()) })
  const port = await getPort({ host: '127.0.0.1' })
  const args = ['proxy', join(folder, 'openapi.json'), origin, '--host', '127.0.0.1']
  const child = spawn(PRISM, [...args, '--port', String(port)])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
      child.emit('output')
    })
  }
  const ended = new Promise((resolve) => child.once('exit', resolve))
  t.teardown(async () => {
    child.kill()
    await ended
  })

  /** Waits until Prism has written this text. */
  const wrote = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => output.includes(text) && resolve()
      child.on('output', look)
      ended.then(() => reject(new Error(`Prism has ended before it wrote "${text}": ${output}`)))
      look()
    })

  /** One request, for example `send('GET /v1/timeline', { as: user })`, and what Prism says of it. */
  async function send(line: string, { as, body, headers }: Options = {}): Promise<Answer> {
    const [method = '', path] = line.split(' ')
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(as && { authorization: `Bearer ${as.token}` }),
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const violations: Violation[] = JSON.parse(response.headers.get('sl-violations') ?? '[]')
    const said = (part: string) =>
      violations.filter(({ location }) => location[0] === part).map(({ message }) => message)
    return {
      status: response.status,
      body: response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text,
      ofRequest: said('request'),
      ofAnswer: said('response'),
    }
  }

  await wrote('Prism is listening')
  return { ...judge(app, send), wrote }
}

type Send = (line: string, options?: Options) => Promise<Answer>

/** Requests whose answers are compared with the document, each with what Prism has to say of it. */
function judge(app: App, send: Send) {
  const operations = operationsOf(app)
  /** Ids of the operations that have succeeded. */
  const called = new Set<string>()

  /** A request as documented; its answer has this status and is as documented, too. */
  async function ask(t: Test, status: number, line: string, options?: Options) {
    const { body, ...seen } = await send(line, options)
    t.strictSame(seen, { status, ofRequest: [], ofAnswer: [] }, line)
    if (status < 400) called.add(operationOf(line))
    return body
  }

  /** A request that breaks the document's rules; its answer has this status and is as documented. */
  async function spoil(t: Test, status: number, line: string, options?: Options) {
    const { ofRequest, ofAnswer, ...answer } = await send(line, options)
    t.strictSame({ status: answer.status, ofAnswer }, { status, ofAnswer: [] }, line)
    t.not(ofRequest.length, 0, `Prism objects to ${line}`)
  }

  /** A request that is redirected; Prism follows, so it judges the request alone. */
  async function follow(t: Test, line: string) {
    const { ofRequest } = await send(line)
    t.strictSame(ofRequest, [], line)
    t.equal((await call(app, line)).status, 302, line)
    called.add(operationOf(line))
  }

  /** The operation that a line calls; `/users/me` is no `/users/{id}`. */
  function operationOf(line: string) {
    const [path = ''] = line.split('?')
    const matches = ({ route }: { route: string }) =>
      new RegExp(`^${route.replaceAll(/\{.*?\}/g, '[^/]+')}$`).test(path)
    const exact = operations.find(({ route }) => route === path)
    return (exact ?? operations.find(matches))?.operationId ?? `none of ${line}`
  }

  return { ask, spoil, follow, called }
}
