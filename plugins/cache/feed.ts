import { desc, gt, inArray, lt, or, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { singleFlight } from './single-flight.ts'
import type { CacheTopic } from './topics.ts'

/** Most milliseconds from an INSERT to the end of its transaction. */
const MAX_TRANSACTION = 30_000
/** Seconds for which a change is kept; several times MAX_IDLE. */
const RETENTION = 300
/** Most milliseconds between two polls; after a longer pause every cache is emptied instead of updated. */
const MAX_IDLE = 60_000
/** Ids below the first one seen that open transactions may hold, when no older id is known. */
const LOOK_BACK_IDS = 500
/** Most rows of one SELECT; a poll sends as many as it takes. */
const MAX_CHANGES = 5_000
/** Most missing ids that are polled for; above this nothing is cached for MAX_TRANSACTION. */
const MAX_MISSING = 2_000

type Change = { id: number; topic: string; subject: number }
export type Listener = { evict: (subject: number) => void; evictAll: () => void }

/**
 * Reads the changes that all processes record. An id is assigned at INSERT and visible after COMMIT, so
 * each poll looks again for skipped ids until no open transaction can hold them.
 */
export function createFeed(app: FastifyInstance) {
  const { changes } = app.tables
  const listeners = new Map<string, Listener[]>()
  /** Missing ids, and the time at which each was found missing. */
  const missing = new Map<number, number>()
  let last: number | undefined
  let polledAt = Number.NEGATIVE_INFINITY
  /** Whether ids are assigned in order of time; undefined until the first poll. */
  let ordered: boolean | undefined
  let suspendedUntil = 0

  const columns = { id: changes.id, topic: changes.topic, subject: changes.subject }
  const readNewer = app.prepareQuery((db) =>
    db
      .select(columns)
      .from(changes)
      .where(gt(changes.id, sql.placeholder('last')))
      .orderBy(changes.id)
      .limit(MAX_CHANGES),
  )

  const selectWithMissing = () =>
    app.db
      .select(columns)
      .from(changes)
      .where(or(gt(changes.id, last ?? 0), inArray(changes.id, [...missing.keys()])))
      .orderBy(changes.id)
      .limit(MAX_CHANGES)

  /** Applies every change that was committed before the call. */
  const poll = singleFlight(async () => {
    const now = performance.now()
    if (now - polledAt > MAX_IDLE) await begin(now)
    if (!ordered) return
    try {
      let rows: Change[]
      do {
        rows = await (missing.size > 0 ? selectWithMissing() : readNewer({ last: last ?? 0 }))
        apply(rows, now)
      } while (rows.length === MAX_CHANGES)
      polledAt = now
    } catch (error) {
      polledAt = Number.NEGATIVE_INFINITY
      throw error
    }
  })

  async function begin(now: number) {
    evictAll()
    const wasOrdered = ordered
    ordered = await isOrdered()
    if (!ordered && wasOrdered !== false) {
      app.log.warn('caching is off: this database does not assign ids in order of time')
    }
    // All transactions that were open when this change was recorded have ended.
    const [settled] = await app.db
      .select({ id: changes.id })
      .from(changes)
      .where(lt(changes.createdAt, sql`NOW(3) - INTERVAL ${MAX_TRANSACTION / 1000} SECOND`))
      .orderBy(desc(changes.createdAt))
      .limit(1)
    last = settled?.id
    polledAt = now
  }

  /** False for clusters: nodes that assign ids in turn or in blocks leave gaps that are never filled. */
  async function isOrdered() {
    const [rows] = await app.db.execute(
      sql`SELECT @@auto_increment_increment AS step, VERSION() AS version`,
    )
    // The driver's type of a raw result is a union; a SELECT returns rows.
    const [row] = rows as unknown as { step: number; version: string }[]
    return row?.step === 1 && !row.version.includes('TiDB')
  }

  function apply(rows: Change[], now: number) {
    for (const { id, topic, subject } of rows) {
      last ??= Math.max(id - LOOK_BACK_IDS, 0)
      if (id > last) {
        for (let gap = Math.max(last + 1, id - MAX_MISSING); gap < id; gap++) missing.set(gap, now)
        last = id
      } else missing.delete(id)
      for (const listener of listeners.get(topic) ?? []) listener.evict(subject)
    }
    for (const [id, since] of missing) {
      if (now - since < MAX_TRANSACTION) break
      missing.delete(id)
    }
    if (missing.size >= MAX_MISSING) suspend(now)
  }

  /** Caches nothing until every transaction that may hold a skipped id has ended. */
  function suspend(now: number) {
    evictAll()
    suspendedUntil = now + MAX_TRANSACTION
  }

  function evictAll() {
    for (const listener of [...listeners.values()].flat()) listener.evictAll()
    missing.clear()
  }

  const listen = (topic: CacheTopic, listener: Listener) =>
    void listeners.set(topic, [...(listeners.get(topic) ?? []), listener])

  return {
    poll,
    listen,
    isSuspended: () => !ordered || performance.now() < suspendedUntil,
    isUnsupported: () => ordered === false,
    purge: () =>
      app.deleteInBatches(
        changes,
        lt(changes.createdAt, sql`NOW(3) - INTERVAL ${RETENTION} SECOND`),
      ),
  }
}

export type Feed = ReturnType<typeof createFeed>
