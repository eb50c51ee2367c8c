import sharp from 'sharp'
import { build } from '../../app.ts'
import type { Env } from '../../plugins/config/index.ts'
import { createAnswerChecks } from './answers.ts'
import { type Answer, answersIn, exchange, send } from './client.ts'
import { growthOf } from './memory.ts'
import { createModel } from './model.ts'
import { operationsIn } from './operations.ts'
import { isStall, SHAPES, SMUGGLED } from './raw.ts'
import type { Call, Raw, Script } from './requests.ts'
import { type Failure, search } from './search.ts'
import { startServer } from './server.ts'
import { type Answered, ask, createWorld, registerApp, signUp, type World } from './world.ts'

const SAMPLE_EVERY = 1_000
/** Milliseconds until the service ends a connection whose request stays incomplete; it looks every 30 s. */
const STALL = 90_000

type Options = {
  /** Settings of a database and a bucket that nothing else uses. */
  settings: Env
  requests: number
  seed: number
  /** Runs this script alone. */
  replay?: Script
  log: (line: string) => void
}

export type Result = {
  failure?: Failure
  problems: string[]
  statuses: Record<string, number>
  sent: number
}

/** Runs random scripts against a service of its own until enough requests are sent, or one fails. */
export async function fuzz({ settings, requests, seed, replay, log }: Options): Promise<Result> {
  const server = await startServer(settings)
  const { port } = server
  const statuses: Record<string, number> = {}
  const memory: { sent: number; megabytes: number }[] = []
  let sent = 0

  const operator = await build({ ...settings, LOG_LEVEL: 'silent' }, () => {}, 'command')
  try {
    const document = await ask(port, 'GET /openapi.json')
    const routes = operationsIn(document)
    const byLine = new Map(routes.map((route) => [route.line, route]))
    const secrets = secretsOf(settings)
    const checks = createAnswerChecks(document, secrets)
    const files = await makeFiles()
    const admin = await signUp(port)
    await operator.moderation.setRole(admin.id, 'admin')
    const client = await registerApp(port)
    // They take as long as the service's patience, so they are begun before all scripts.
    const stalls = Object.keys(SHAPES)
      .filter(isStall)
      .map((raw) => sendRaw({ raw, by: 0 }, admin.token))

    function count(status: number | string) {
      statuses[status] = (statuses[status] ?? 0) + 1
      sent++
      if (sent % SAMPLE_EVERY === 0) memory.push({ sent, megabytes: server.memory() })
    }

    async function sendCall(call: Call, world: World): Promise<Answered> {
      const request = world.requestOf(call)
      const answer: Answer = await send(port, request).catch((error) => {
        throw new Error(`${error.message} for ${shown(request)}`)
      })
      count(
        answer.status === 503
          ? `503 ${/"(?:code|error)":"(.*?)"/.exec(answer.text)?.[1]}`
          : answer.status,
      )
      const route = byLine.get(call.line) ?? { line: call.line }
      const problem = checks.problemOf(route, answer)
      if (problem)
        throw new Error(
          `${answer.status} ${problem}: ${answer.text.slice(0, 600)} for ${shown(request)}`,
        )
      return { call, request, answer }
    }

    async function sendRaw({ raw }: Raw, token: string) {
      const shape = SHAPES[raw]
      if (!shape) throw new Error(`No shape is called ${raw}.`)
      const { writes, end = 'wait', answers = 0, statuses: expected } = shape
      const bytes = writes.map((write) =>
        typeof write === 'string'
          ? Buffer.from(write.replaceAll('{token}', token), 'latin1')
          : write,
      )
      const { received } = await exchange(
        port,
        bytes,
        end,
        answers,
        isStall(raw) ? STALL : undefined,
      ).catch((error) => {
        throw new Error(`${error.message} for ${raw}`)
      })
      const got = answersIn(received)
      for (const status of got.length > 0 ? got : ['closed']) count(status)
      const isWrong = got.some((status) => status >= 500) || received.includes('    at ')
      if (isWrong || (expected && String(got) !== String(expected)))
        throw new Error(`${got} for ${raw}: ${received.slice(0, 600)}`)
    }

    async function runScript(script: Script) {
      const world = await createWorld(port, { admin, client, files })
      const model = createModel(port, world)
      for (const turn of script) {
        // Requests of the same turn may be answered before or after a deletion.
        const deleted = model.deletedNow().size
        const answered = await Promise.all(
          turn.map(async (step) => {
            if (!('raw' in step)) return sendCall(step, world)
            await sendRaw(step, world.people[step.by]?.token ?? '')
            return undefined
          }),
        )
        const calls = answered.filter((one) => one !== undefined)
        if (deleted > 0)
          for (const { request, answer } of calls) {
            const problem = answer.type.includes('json') && model.problemOf(answer.text)
            if (problem) throw new Error(`model: ${problem} for ${shown(request)}`)
          }
        model.observe(calls)
      }
      await model.verify()
      await assertNothingSmuggled(port, world)
      if (!server.isAlive()) throw new Error('The process of the service has died.')
    }

    const result: Result = { problems: [], statuses, sent }
    const failure = replay
      ? await runScript(replay).then(
          () => undefined,
          (error) => ({ script: replay, error: error.message, seed }),
        )
      : await search(routes, runScript, {
          seed,
          isEnough: () => sent >= requests,
          log,
          count: () => sent,
        })
    if (failure) result.failure = failure
    if (!replay)
      for (const { status, reason } of (await Promise.allSettled(stalls)) as {
        status: string
        reason?: Error
      }[])
        if (status === 'rejected') result.problems.push(String(reason?.message))
    const growth = growthOf(memory)
    log(
      `Memory in MB after requests: ${memory
        .filter((_, n) => n % Math.ceil(memory.length / 12) === 0)
        .map((one) => `${one.sent}: ${one.megabytes}`)
        .join(', ')}`,
    )
    if (growth) result.problems.push(growth)
    result.problems.push(
      ...server.errors.slice(0, 5).map((line) => `logged: ${line.slice(0, 1000)}`),
    )
    result.sent = sent
    return result
  } finally {
    await operator.close()
    await server.stop()
  }
}

const shown = ({ method, path, headers, body }: ReturnType<World['requestOf']>) =>
  `${method} ${path} ${JSON.stringify(headers)} ${String(body).slice(0, 300)}`.slice(0, 1500)

async function assertNothingSmuggled(port: number, { people }: World) {
  for (const { id, token } of people) {
    const path = `GET /v1/users/${id}/tweets?limit=100`
    const page = await ask(port, path, undefined, token).catch(() => ({ items: [] }))
    if (page.items.some(({ text }: { text: string }) => text === SMUGGLED))
      throw new Error('A hidden request was carried out.')
  }
}

/** Texts that no answer may show. */
function secretsOf(settings: Env) {
  const { JWT_SECRETS, SECOND_FACTOR_KEYS, AWS_SECRET_ACCESS_KEY } = settings
  const password = settings.DATABASE_URL && new URL(settings.DATABASE_URL).password
  return [JWT_SECRETS, SECOND_FACTOR_KEYS, AWS_SECRET_ACCESS_KEY, password].filter(
    (secret): secret is string => (secret?.length ?? 0) > 5,
  )
}

async function makeFiles() {
  const image = sharp({ create: { width: 8, height: 8, channels: 3, background: 'blue' } })
  const png = await image.png().toBuffer()
  return [png, png, png.subarray(0, 40), Buffer.from('<svg/>'), Buffer.alloc(0)]
}
