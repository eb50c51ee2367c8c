import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'
import { and, isNull, sql } from 'drizzle-orm'
import type { FastifyInstance, InjectOptions, JobPayloads } from 'fastify'
import { createConnection } from 'mysql2/promise'
import type { Test } from 'tap'
import { build } from '../app.ts'
import type { Env } from '../plugins/config/index.ts'
import { connectionOptions } from '../plugins/db/connection-options.ts'
import { definitionOf } from '../plugins/jobs/index.ts'
import type { JobContext, JobName } from '../plugins/jobs/types.ts'
import { HIGH_LIMITS } from './high-limits.ts'

declare module 'fastify' {
  interface JobPayloads {
    /** Jobs of tests take any payload. */
    [name: `test.${string}`]: any
  }
}

export type App = FastifyInstance
export type User = Awaited<ReturnType<typeof signUp>>
type Json = Record<string, any>

const PASSWORD = 'correct horse battery'

/**
 * Settings for an app on a database and a bucket of its own, both dropped after the test. All
 * migrations of the project have been applied to the database, unless it is asked to be empty.
 */
export async function settings(t: Test, { empty = false } = {}): Promise<Env> {
  const shared: Record<string, string> = JSON.parse(process.env.TEST_SETTINGS ?? '{}')
  if (!shared.DATABASE_URL) throw new Error('Run the tests with: npm test -- test/<file>')
  const name = `test_${randomBytes(6).toString('hex')}`
  const connection = await createConnection({
    ...connectionOptions(shared),
    multipleStatements: true,
  })
  await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`)
  t.teardown(async () => {
    await connection.query(`DROP DATABASE ${name}`)
    await connection.end()
  })
  if (!empty) {
    const copyTemplate = readFileSync(process.env.TEST_TEMPLATE ?? '', 'utf8')
    await connection.query(`USE ${name}; ${copyTemplate}`)
  }
  const bucket = name.replace('_', '-')
  await createBucket(t, shared, bucket)
  return {
    ...shared,
    NODE_ENV: 'test',
    DATABASE_URL: shared.DATABASE_URL.replace(/[^/]+$/, name),
    S3_BUCKET: bucket,
    JWT_SECRETS: randomBytes(32).toString('hex'),
    SECOND_FACTOR_KEYS: randomBytes(32).toString('hex'),
    LOG_LEVEL: 'silent',
    PORT: '0',
    ...HIGH_LIMITS,
  }
}

async function createBucket(t: Test, shared: Record<string, string>, Bucket: string) {
  const region = shared.S3_REGION ?? ''
  const s3 = new S3Client({ endpoint: shared.S3_ENDPOINT ?? '', region, forcePathStyle: true })
  // Amazon's first region has no name here.
  const elsewhere = region !== 'us-east-1'
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      ...(elsewhere && {
        CreateBucketConfiguration: { LocationConstraint: region as BucketLocationConstraint },
      }),
    }),
  )
  t.teardown(async () => {
    if (process.env.TEST_S3_ENDPOINT) await removeBucket(s3, Bucket)
    s3.destroy()
  })
}

/** The embedded store goes as a whole. */
async function removeBucket(s3: S3Client, Bucket: string) {
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket })) {
    for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket, Key }))
  }
  await s3.send(new DeleteBucketCommand({ Bucket }))
}

/** A whole app, closed after the test; built by the same function as the real one. */
export async function setUp(t: Test, overrides: Env = {}) {
  const app: App = await build({ ...(await settings(t)), ...overrides })
  t.teardown(() => app.close())
  return app
}

type CallOptions = { as?: { token: string } | undefined; body?: Json; headers?: Json }

/** One request, for example `call(app, 'PUT /v1/tweets/1/like', { as: user })`. */
export async function call(app: App, line: string, { as, body, headers = {} }: CallOptions = {}) {
  const [method, url] = line.split(' ')
  const response = await app.inject({
    method: method as NonNullable<InjectOptions['method']>,
    url: url ?? '/',
    headers: { ...(as && { authorization: `Bearer ${as.token}` }), ...headers },
    ...(body && { payload: body }),
  })
  const json = response.headers['content-type']?.toString().includes('json')
  return {
    status: response.statusCode,
    headers: response.headers,
    body: (json ? response.json() : response.body) as any,
  }
}

async function expect(app: App, status: number, line: string, options?: CallOptions) {
  const answer = await call(app, line, options)
  if (answer.status !== status) {
    throw new Error(
      `${line}: ${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`,
    )
  }
  return answer.body
}

let people = 0

/** A new user, signed in. */
export async function signUp(app: App, name = 'Somebody', more: Json = {}) {
  const email = `person${++people}-${randomBytes(4).toString('hex')}@example.com`
  const body = { name, email, password: PASSWORD, ...more }
  const signedIn = await expect(app, 201, 'POST /v1/auth/sign-up', { body })
  return {
    id: signedIn.user.id as number,
    handle: signedIn.user.handle as string,
    email: body.email,
    password: body.password,
    token: signedIn.accessToken as string,
    refreshToken: signedIn.refreshToken as string,
  }
}

export const login = ({ email, password }: User, app: App) =>
  expect(app, 200, 'POST /v1/auth/login', { body: { email, password } })

/** Tweets; returns the tweet. */
export const tweet = (app: App, as: User, text = 'hello', more: Json = {}) =>
  expect(app, 201, 'POST /v1/tweets', { as, body: { text, ...more } })

export const removeTweet = (app: App, as: User, id: number) =>
  expect(app, 204, `DELETE /v1/tweets/${id}`, { as })

export const like = (app: App, as: User, id: number) =>
  expect(app, 204, `PUT /v1/tweets/${id}/like`, { as })

export const unlike = (app: App, as: User, id: number) =>
  expect(app, 204, `DELETE /v1/tweets/${id}/like`, { as })

export const retweet = (app: App, as: User, id: number) =>
  expect(app, 204, `PUT /v1/tweets/${id}/retweet`, { as })

export const undoRetweet = (app: App, as: User, id: number) =>
  expect(app, 204, `DELETE /v1/tweets/${id}/retweet`, { as })

/** `relate(app, a, 'follow', b)`; or block, mute. */
export const relate = (app: App, as: User, relation: string, other: User) =>
  expect(app, 204, `PUT /v1/users/${other.id}/${relation}`, { as })

export const unrelate = (app: App, as: User, relation: string, other: User) =>
  expect(app, 204, `DELETE /v1/users/${other.id}/${relation}`, { as })

export const read = (app: App, path: string, as?: User) => expect(app, 200, `GET ${path}`, { as })

/** Every item of a list, page by page. */
export async function readAll(app: App, path: string, as?: User, limit = 7) {
  const items: any[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const separator = path.includes('?') ? '&' : '?'
    const from: string = cursor ? `&cursor=${cursor}` : ''
    const page: Json = await read(app, `${path}${separator}limit=${limit}${from}`, as)
    items.push(...page.items)
    cursor = page.nextCursor
  }
  return items
}

/** ms; a busy machine takes a while over thousands of jobs. */
const PATIENCE = 60_000

/**
 * Waits until no job is due or at work. Recurring jobs don't count, nor do jobs that were added to run
 * more than 30 seconds from now; jobs that have failed count when they run again within 10 minutes.
 */
export async function drained(app: App) {
  const { jobs } = app.tables
  const patience = sql`IF(${jobs.attempts} = 0, 30, 600)`
  const soon = sql`${jobs.runAt} < NOW(3) + INTERVAL ${patience} SECOND`
  const live = and(isNull(jobs.deadAt), isNull(jobs.uniqueKey), soon)
  let left: (typeof jobs.$inferSelect)[] = []
  const end = Date.now() + PATIENCE
  while (Date.now() < end) {
    left = await app.db.select().from(jobs).where(live).limit(5)
    if (left.length === 0) return
    await sleep(25)
  }
  const what = left.map(({ name, attempts, error }) => `${name} (${attempts} runs, ${error})`)
  throw new Error(`jobs are not drained after ${PATIENCE / 1000} s: ${what.join(', ')}`)
}

/** Runs the handler of a job, without a row in `jobs`; rejects when the handler does. */
export async function runJob<Name extends JobName>(
  app: App,
  name: Name,
  payload: JobPayloads[Name],
  context: Partial<JobContext> = {},
) {
  const definition = definitionOf(app, name)
  if (!definition) throw new Error(`No job is called ${name}.`)
  const { signal } = new AbortController()
  const save = async () => {}
  await definition.handler(payload as never, {
    attempt: 1,
    progress: null,
    save,
    signal,
    ...context,
  })
}
