import { createHash } from 'node:crypto'
import createError from '@fastify/error'
import { and, eq, lt, sql } from 'drizzle-orm'
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { Tx } from './db/client.ts'
import { isMissingParent } from './db/errors.ts'
import { IdempotencyKey } from './schemas.ts'

declare module 'fastify' {
  interface FastifyInstance {
    idempotency: ReturnType<typeof createIdempotency>
  }
  interface FastifyContextConfig {
    /** Declares the header Idempotency-Key; the handler writes in `request.runOnce`. */
    idempotent?: boolean
  }
  interface FastifyRequest {
    /**
     * Runs `work` in a transaction, and once per viewer and Idempotency-Key: a repeated request gets the first
     * result, as JSON. `work` must have no other effect.
     * @throws KeyReused when the key was used with another body or on another path
     */
    runOnce: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
  }
  interface JobPayloads {
    'idempotency.purge': object
  }
}

/** Hours for which a key is kept. */
const LIFE = 24

const KeyReused = createError(
  'IDEMPOTENCY_KEY_REUSED',
  'This Idempotency-Key was used with a different body; send a new key.',
  422,
)

const AccountDeleted = createError('USER_NOT_FOUND', 'This account has been deleted.', 404)

type Keyed = { userId: number; key: string; body: unknown }

/** The header Idempotency-Key of draft-ietf-httpapi-idempotency-key-header. */
function createIdempotency(app: FastifyInstance) {
  const { idempotencyKeys } = app.tables

  /**
   * Runs `work` once per user and key, and stores its answer in the same transaction. A repeat, also a
   * concurrent one, gets the first answer through `repeat`, which can renew expired URLs in it.
   * `prepare` runs before the transaction, for slow work and for work that needs another connection.
   * @throws KeyReused when the key was used with a different body
   */
  async function run<T, Prepared>(
    { userId, key, body }: Keyed,
    prepare: () => Promise<Prepared>,
    work: (prepared: Prepared, tx: Tx) => Promise<T>,
    repeat: (answer: T) => Promise<T> = async (answer) => answer,
  ): Promise<T> {
    const requestHash = createHash('sha256').update(JSON.stringify(body)).digest()
    const earlier = await find<T>(userId, key, requestHash)
    if (earlier) return repeat(earlier.answer)
    const prepared = await prepare()
    try {
      return await app.transaction(async (tx) => {
        const answer = await work(prepared, tx)
        await tx
          .insert(idempotencyKeys)
          .values({ userId, key, requestHash, answer })
          .catch((error) => {
            throw isMissingParent(error) ? new AccountDeleted() : error
          })
        return answer
      })
    } catch (error) {
      // A concurrent request with the same key may have committed first and made this work fail.
      const first = await find<T>(userId, key, requestHash)
      if (!first) throw error
      return repeat(first.answer)
    }
  }

  async function find<T>(userId: number, key: string, requestHash: Buffer) {
    const [row] = await app.db
      .select()
      .from(idempotencyKeys)
      .where(and(eq(idempotencyKeys.userId, userId), eq(idempotencyKeys.key, key)))
    if (row && !row.requestHash.equals(requestHash)) throw new KeyReused()
    // `run` stored an answer of the same work under this key.
    return row && { answer: row.answer as T }
  }

  async function purge() {
    const old = lt(idempotencyKeys.createdAt, sql`NOW(3) - INTERVAL ${LIFE} HOUR`)
    await app.deleteInBatches(idempotencyKeys, old)
  }

  async function runOnce<T>(request: FastifyRequest, work: (tx: Tx) => Promise<T>) {
    const { method, url, body, headers, viewer, routeOptions } = request
    if (!routeOptions.config.idempotent) {
      throw new Error(`Set config.idempotent of ${method} ${routeOptions.url} to true.`)
    }
    const key = headers['idempotency-key']
    if (key === undefined) return app.transaction(work)
    const keyed = { userId: viewer.userId, key: String(key), body: { method, url, body } }
    return run(
      keyed,
      async () => {},
      (_, tx) => work(tx),
    )
  }

  return { run, runOnce, purge }
}

function declareKey(route: RouteOptions) {
  if (!route.config?.idempotent) return
  // Fastify types a schema as unknown.
  const { properties, ...rest } = (route.schema?.headers ?? {}) as { properties?: object }
  const headers = {
    type: 'object',
    ...rest,
    properties: { ...properties, 'idempotency-key': IdempotencyKey },
  }
  route.schema = { ...route.schema, headers }
}

export default fp(
  async (app) => {
    app.decorate('idempotency', createIdempotency(app))
    app.decorateRequest('runOnce', function (this: FastifyRequest, work) {
      return app.idempotency.runOnce(this, work)
    })
    app.addHook('onRoute', declareKey)
    app.jobs.every('idempotency.purge', 3600, app.idempotency.purge)
  },
  { name: 'idempotency', dependencies: ['db', 'jobs'] },
)
