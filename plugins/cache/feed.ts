import { desc, gt, inArray, lt, max, or, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { shared } from './shared.ts'

/** Milliseconds from an INSERT to the end of its transaction; none lasts longer. */
const LATEST = 30_000
/** Seconds a change is kept; several times longer than anyone goes without looking. */
const RETENTION = 300
/** Milliseconds without a look, after which all is forgotten instead of caught up with. */
const AWAY = 60_000
/** Ids below the first one heard that may belong to a transaction at work, where none is older. */
const LOOK_BACK = 500
/** Changes of one look; of more, nothing is learned but that they were too many. */
const MOST_CHANGES = 5_000
/** Missing ids that are looked for. */
const MOST_MISSING = 2_000

export type Listener = { forget: (subject: number) => void; forgetAll: () => void }

/**
 * The changes of all processes in this one. An id is given out at INSERT and seen from COMMIT on, so
 * ids that are passed over are looked for again until no transaction can be at work on them.
 */
export function createFeed(app: FastifyInstance) {
  const { changes } = app.tables
  const listeners = new Map<string, Listener[]>()
  /** Since when an id is missing. */
  const missing = new Map<number, number>()
  /** The newest id heard; undefined until there is one. */
  let last: number | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  /** Where ids have no order in time nothing may be remembered. */
  let ordered: boolean | undefined
  let blindUntil = 0

  const columns = { id: changes.id, topic: changes.topic, subject: changes.subject }
  const statement = app.prepared
    .select(columns)
    .from(changes)
    .where(gt(changes.id, sql.placeholder('last')))
    .orderBy(changes.id)
    .limit(MOST_CHANGES)
    .prepare()

  const withMissing = () =>
    app.db
      .select(columns)
      .from(changes)
      .where(or(gt(changes.id, last ?? 0), inArray(changes.id, [...missing.keys()])))
      .orderBy(changes.id)
      .limit(MOST_CHANGES)

  /** Everything that was committed before the call is known from then on. */
  const look = shared(async () => {
    const now = performance.now()
    if (now - lookedAt > AWAY) await begin(now)
    if (!ordered) return
    try {
      const rows = await (missing.size > 0 ? withMissing() : statement.execute({ last: last ?? 0 }))
      if (rows.length < MOST_CHANGES) hear(rows, now)
      else await goBlind(now)
      lookedAt = now
    } catch (error) {
      lookedAt = Number.NEGATIVE_INFINITY
      throw error
    }
  })

  async function begin(now: number) {
    forgetAll()
    ordered = await isOrdered()
    // What was at work when this one was written has ended long since.
    const [settled] = await app.db
      .select({ id: changes.id })
      .from(changes)
      .where(lt(changes.createdAt, sql`NOW(3) - INTERVAL ${LATEST / 1000} SECOND`))
      .orderBy(desc(changes.createdAt))
      .limit(1)
    last = settled?.id
    lookedAt = now
  }

  /** Nodes of a cluster that give out ids in turn or in blocks leave gaps that are never filled. */
  async function isOrdered() {
    const [rows] = await app.db.execute(
      sql`SELECT @@auto_increment_increment AS step, VERSION() AS version`,
    )
    // The driver's type for a raw result is a union; a SELECT gives rows.
    const [row] = rows as unknown as { step: number; version: string }[]
    return row?.step === 1 && !row.version.includes('TiDB')
  }

  function hear(rows: { id: number; topic: string; subject: number }[], now: number) {
    for (const { id, topic, subject } of rows) {
      last ??= Math.max(id - LOOK_BACK, 0)
      if (id > last) {
        for (let gap = Math.max(last + 1, id - MOST_MISSING); gap < id; gap++) missing.set(gap, now)
        last = id
      } else missing.delete(id)
      for (const listener of listeners.get(topic) ?? []) listener.forget(subject)
    }
    for (const [id, since] of missing) {
      if (now - since < LATEST) break
      missing.delete(id)
    }
    if (missing.size >= MOST_MISSING) forgetFor(now)
  }

  /** Nothing is remembered until no transaction can be at work on what was passed over. */
  function forgetFor(now: number) {
    forgetAll()
    blindUntil = now + LATEST
  }

  async function goBlind(now: number) {
    forgetFor(now)
    const [row] = await app.db.select({ id: max(changes.id) }).from(changes)
    last = row?.id ?? undefined
  }

  function forgetAll() {
    for (const listener of [...listeners.values()].flat()) listener.forgetAll()
    missing.clear()
  }

  const listen = (topic: string, listener: Listener) =>
    void listeners.set(topic, [...(listeners.get(topic) ?? []), listener])

  return {
    look,
    listen,
    isBlind: () => !ordered || performance.now() < blindUntil,
    purge: () =>
      app.deleteInBatches(
        changes,
        lt(changes.createdAt, sql`NOW(3) - INTERVAL ${RETENTION} SECOND`),
      ),
  }
}

export type Feed = ReturnType<typeof createFeed>
