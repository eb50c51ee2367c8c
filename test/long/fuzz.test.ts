import { text as consume } from 'node:stream/consumers'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import sharp from 'sharp'
import t from 'tap'
import { countMismatches } from '../counts.ts'
import { call, drained, setUp, signUp, tweet } from '../helper.ts'
import { startSmtp } from '../smtp.ts'
import { type Operation, type Request, type Route, requests } from './requests.ts'

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 6000)
/** People at work; one who has logged out or deleted themselves is replaced by a newcomer. */
const PEOPLE = 6

/** Answers to a spoilt path, which leads to another route or to none. */
const ELSEWHERE = ['ROUTE_NOT_FOUND', 'METHOD_NOT_ALLOWED', 'INVALID_URL']

t.test('no request causes a server error or an undeclared answer', async (t) => {
  // Without a mail server some operations are 503.
  const smtp = await startSmtp(t)
  const app = await setUp(t, { MAIL_URL: smtp.url, MAIL_FROM: 'birdhouse@example.com' })
  const document = (await call(app, 'GET /openapi.json')).body
  const routes = Object.entries<Record<string, Operation>>(document.paths).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(
        ([method, operation]): Route => ({ method: method.toUpperCase(), path, operation }),
      ),
  )
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'blue' } })
    .png()
    .toBuffer()
  const files = [png, png, png.subarray(0, 40), Buffer.from('<svg/>'), Buffer.alloc(0)]
  const tokens: string[] = []
  const cursors: string[] = []
  const statuses: Record<string, number> = {}
  let sent = 0

  async function newcomer() {
    const user = await signUp(app, `Newcomer ${sent}`)
    tokens.push(user.token)
    await tweet(app, user, `hello ${sent}`)
  }

  async function replace(authorization = '') {
    const index = tokens.indexOf(authorization.replace('Bearer ', ''))
    if (index < 0) return
    tokens.splice(index, 1)
    await newcomer()
  }

  while (tokens.length < PEOPLE) await newcomer()
  const check = answerChecker(document)

  async function send(request: Request) {
    sent++
    const { route, url, headers, payload } = request
    const method = route.method as NonNullable<InjectOptions['method']>
    const answer = await app.inject({
      method,
      url,
      headers,
      payloadAsStream: true,
      ...(payload !== undefined && { payload }),
    })
    const status = answer.statusCode
    const text = await bodyOf(answer)
    statuses[status] = (statuses[status] ?? 0) + 1
    const shown = `${method} ${url} ${JSON.stringify(headers)} ${String(payload).slice(0, 300)}`
    if (status >= 500) throw new Error(`${status} ${text} for ${shown}`)
    const json = String(answer.headers['content-type']).includes('json')
    const body = json && text ? JSON.parse(text) : undefined
    if (ELSEWHERE.includes(body?.code)) return
    const problem = check(route.operation, status, body)
    if (problem) throw new Error(`${status} ${problem}: ${text.slice(0, 500)} for ${shown}`)
    for (const cursor of [body?.nextCursor, body?.sinceCursor]) if (cursor) cursors.push(cursor)
    if (cursors.length > 50) cursors.splice(0, 25)
    if (status === 401) await replace(headers.authorization)
  }

  await fc.assert(
    fc.asyncProperty(
      requests(
        routes,
        files,
        () => tokens,
        () => cursors,
      ),
      send,
    ),
    { numRuns: REQUESTS, endOnFailure: true, verbose: true },
  )
  t.comment(`${sent} requests: ${JSON.stringify(statuses)}`)
  // The counts of an account that is being erased are wrong until its row is gone.
  await drained(app)
  t.strictSame(await countMismatches(app), [], 'counts equal the rows they count')
  for (const status of [200, 201, 204, 400, 401, 403, 404, 409, 413, 415])
    t.ok(statuses[status], `${status} came up`)
})

/** A stream has no end: its client leaves. */
async function bodyOf(answer: LightMyRequestResponse) {
  const stream = answer.stream()
  if (!String(answer.headers['content-type']).includes('event-stream')) return consume(stream)
  stream.destroy()
  return ''
}

/** Says what is wrong with an answer, compared with what its operation declares. */
function answerChecker(document: { components: { schemas: object } }) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const compiled = new Map<string, ValidateFunction>()
  return (operation: Operation, status: number, body: unknown) => {
    const declared = operation.responses[status]
    if (!declared) return 'is not declared'
    const schema = Object.values(declared.content ?? {})[0]?.schema
    if (!schema || body === undefined) return undefined
    const key = `${operation.operationId} ${status}`
    const { components } = document
    const validate = compiled.get(key) ?? ajv.compile({ ...schema, components })
    compiled.set(key, validate)
    return validate(body) ? undefined : ajv.errorsText(validate.errors)
  }
}
