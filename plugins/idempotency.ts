import { createHash } from 'node:crypto'
import createError from '@fastify/error'
import { and, eq, lt, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Tx } from './db/client.ts'

declare module 'fastify' {
  interface FastifyInstance {
    idempotency: ReturnType<typeof createIdempotency>
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
        await tx.insert(idempotencyKeys).values({ userId, key, requestHash, answer })
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

  return { run, purge }
}

export default fp(
  async (app) => {
    app.decorate('idempotency', createIdempotency(app))
    app.jobs.every('idempotency.purge', 3600, app.idempotency.purge)
  },
  { name: 'idempotency', dependencies: ['db', 'jobs'] },
)
