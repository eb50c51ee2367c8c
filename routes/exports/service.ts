import createError from '@fastify/error'
import type { FastifyInstance, JobContext, PageRequest, Tx } from 'birdhouse'
import { and, count, eq, gt, isNull, lt, or, sql } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { archiveOf } from './archive.ts'
import { createDownloads } from './downloads.ts'
import { createParts, newFolder, newSecret } from './parts.ts'
import { DataExport } from './schemas.ts'
import type {} from './tables.ts'

declare module 'fastify' {
  interface FastifyInstance {
    dataExports: ReturnType<typeof createDataExports>
  }
  interface JobPayloads {
    'exports.make': { exportId: number }
    'exports.remove': { folder: string }
    'exports.purge': object
  }
  interface SecurityEvents {
    sensitive_read: true
  }
  interface EventPayloads {
    'exports.asked': { userId: number }
  }
}

/** Exports that an account can ask for in 24 hours. */
const MOST = 3
/** Days for which an archive is kept. */
const LIFE = 7
/** Hours after which an archive that is not ready has failed. */
const PATIENCE = 24
/** Seconds of one run: a run that ends early begins again. */
const TIMEOUT = 3600

const ExportNotFound = createError(
  'EXPORT_NOT_FOUND',
  'You have no archive with this id that is ready; archives are kept for 7 days.',
  404,
)
const InProgress = createError(
  'EXPORT_IN_PROGRESS',
  'Your archive is being made; wait until it is ready.',
  409,
)
const TooManyExports = createError(
  'TOO_MANY_EXPORTS',
  `You can ask for at most ${MOST} archives in 24 hours; try again tomorrow.`,
  429,
)

/** Archives of all that features hold about an account, see `app.exports`. */
function createDataExports(app: FastifyInstance) {
  const { dataExports: table } = app.tables
  const parts = createParts(app)
  const isOpen = eq(table.open, 1)

  /** @throws InProgress, TooManyExports, UserNotFound */
  const ask = (userId: number) =>
    app.transaction(async (tx) => {
      await app.users.states.lock(tx, userId)
      const [{ affectedRows, insertId }] = await tx.insert(table).ignore().values({ userId })
      if (affectedRows === 0) throw new InProgress()
      const recent = sql`${table.createdAt} > NOW(3) - INTERVAL 24 HOUR`
      const [row] = await tx
        .select({ asked: count() })
        .from(table)
        .where(and(eq(table.userId, userId), recent))
      if ((row?.asked ?? 0) > MOST) throw new TooManyExports()
      await app.jobs.add(tx, ['exports.make'], { exportId: insertId })
      await app.events.emit(tx, 'exports.asked', { userId })
      const [made] = await tx.select().from(table).where(eq(table.id, insertId))
      if (!made) throw new ExportNotFound()
      return present(made)
    })

  type Row = typeof table.$inferSelect

  const present = (row: Row) => ({
    id: row.id,
    status: row.readyAt
      ? ('ready' as const)
      : row.open
        ? ('inProgress' as const)
        : ('failed' as const),
    bytes: row.readyAt && row.bytes,
    createdAt: row.createdAt.toISOString(),
    readyAt: row.readyAt?.toISOString() ?? null,
    expiresAt: row.expiresAt?.toISOString() ?? null,
  })

  const unexpired = or(isNull(table.expiresAt), gt(table.expiresAt, sql`NOW(3)`))

  /** Newest first. @throws InvalidCursor */
  async function page(userId: number, request: PageRequest) {
    const list = { name: `exports:${userId}`, id: table.id }
    const { items, nextCursor } = await app.pages.read(list, request, (page) =>
      app.db
        .select()
        .from(table)
        .where(and(eq(table.userId, userId), unexpired, page.where))
        .orderBy(page.orderBy)
        .limit(page.limit),
    )
    return { items: items.map(present), nextCursor }
  }

  /** The bytes of the archive, for its owner alone. @throws ExportNotFound */
  async function open(userId: number, id: number) {
    const own = and(eq(table.id, id), eq(table.userId, userId), unexpired)
    const [row] = await app.db.select().from(table).where(own)
    if (!row?.readyAt || !row.key || !row.secret) throw new ExportNotFound()
    const archive = { folder: row.key, secret: row.secret }
    return { bytes: row.bytes, createdAt: row.createdAt, content: parts.read(archive, row.parts) }
  }

  /** Names the folder of a run and deletes that of a run before it; undefined for an export that has ended. */
  const begin = (exportId: number) =>
    app.transaction(async (tx) => {
      const where = and(eq(table.id, exportId), isOpen)
      const [row] = await tx.select().from(table).where(where).for('update')
      if (!row) return undefined
      if (row.key) await removeLater(tx, row.key)
      const archive = { folder: newFolder(), secret: newSecret() }
      await tx
        .update(table)
        .set({ key: archive.folder, secret: archive.secret })
        .where(eq(table.id, exportId))
      return { userId: row.userId, archive }
    })

  const removeLater = (tx: Tx, folder: string) => app.jobs.add(tx, ['exports.remove'], { folder })

  /**
   * Makes the archive. The row names the folder before the first part is stored; who deletes the row, or names
   * another folder, deletes the folder. A run that finds that out deletes what it has stored since.
   */
  async function make({ exportId }: { exportId: number }, { save, signal }: JobContext) {
    const run = await begin(exportId)
    if (!run) return
    const { userId, archive } = run
    const { folder } = archive
    const current = and(eq(table.id, exportId), eq(table.key, folder), isOpen)

    async function onPart() {
      await save({ folder })
      if ((await app.db.$count(table, current)) === 0) throw new Superseded()
    }

    try {
      const stored = await parts.store(archive, archiveOf(app, userId, signal), onPart)
      signal.throwIfAborted()
      const ready = {
        ...stored,
        open: null,
        readyAt: sql`NOW(3)`,
        expiresAt: sql`NOW(3) + INTERVAL ${LIFE} DAY`,
      }
      const [{ affectedRows }] = await app.db.update(table).set(ready).where(current)
      if (affectedRows === 0) throw new Superseded()
    } catch (error) {
      if (!(error instanceof Superseded)) throw error
      await parts.remove(folder)
    }
  }

  const withFolders = (tx: Tx, rows: Row[]) =>
    Promise.all(rows.flatMap(({ key }) => (key ? [removeLater(tx, key)] : [])))

  async function erase(userId: number, signal: AbortSignal) {
    await app.deleteInBatches(table, eq(table.userId, userId), withFolders, { signal })
  }

  /** Deletes expired archives, and gives up those that were not made in time. */
  async function purge() {
    const late = sql`${table.createdAt} < NOW(3) - INTERVAL ${PATIENCE} HOUR`
    await app.db
      .update(table)
      .set({ open: null, expiresAt: sql`NOW(3) + INTERVAL ${LIFE} DAY` })
      .where(and(isOpen, late))
    await app.deleteInBatches(table, lt(table.expiresAt, sql`NOW(3)`), withFolders)
  }

  return {
    ask,
    page,
    open,
    make,
    erase,
    purge,
    removeFolder: parts.remove,
    ...createDownloads(app),
  }
}

/** The export was deleted, or another run has begun. */
class Superseded extends Error {}

export default fp(
  async (app) => {
    app.resources.define(DataExport)
    app.decorate('dataExports', createDataExports(app))
    const { make, purge, erase, removeFolder } = app.dataExports
    // A lane of its own, so that long exports delay nothing else.
    app.jobs.define('exports.make', make, { timeout: TIMEOUT, lane: 'exports' })
    app.jobs.define('exports.remove', ({ folder }) => removeFolder(folder), {
      // A long outage of the store must not leave archives behind.
      maxAttempts: Number.POSITIVE_INFINITY,
      lane: 's3',
    })
    app.jobs.every('exports.purge', 3600, purge)
    app.users.addEraser(erase)
    app.media.sweep.addFolder('exports', app.tables.dataExports.key)
  },
  {
    name: 'exports.service',
    dependencies: ['users.service', 'auth.service', 'media.service', 'exports', 's3'],
  },
)
