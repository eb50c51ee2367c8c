import type { FastifyInstance, TaskContext } from 'birdhouse'
import { count, eq, isNotNull, sql } from 'drizzle-orm'
import type { Sweep } from './sweep.ts'

/** Keys that a dry run shows. */
const SHOWN = 10

export function createSweepTask(app: FastifyInstance, { walk }: Sweep) {
  const { media, mediaSweeps, users } = app.tables

  app.tasks.add('media:sweep', {
    summary: 'list objects that belong to no picture; with delete, delete them',
    argument: 'delete',
    run,
  })

  async function run({ progress, signal, argument }: TaskContext) {
    if (argument !== undefined && argument !== 'delete')
      throw new Error('Give no argument to list the objects, or delete to delete them.')
    const name = argument ?? 'look'
    const total = await expectedObjects()
    let { position, seen, found } = await reached(name)
    const shown: string[] = []
    progress(seen, Math.max(total, seen))
    for await (const page of walk(position)) {
      signal.throwIfAborted()
      if (argument === 'delete' && page.orphans.length > 0) await app.s3.remove(page.orphans)
      shown.push(...page.orphans.slice(0, SHOWN - shown.length))
      seen += page.seen
      found += page.orphans.length
      position = page.position
      await note(name, { position, seen, found })
      progress(seen, Math.max(total, seen))
    }
    progress(seen, seen)
    await app.db.delete(mediaSweeps).where(eq(mediaSweeps.name, name))
    const of = `${found} of ${seen} objects`
    if (argument === 'delete') return `${of} belonged to no picture and were deleted.`
    const hint = found > 0 ? ' Delete them with: npm run media:sweep -- delete' : ''
    return [`${of} belong to no picture.${hint}`, ...shown].join('\n')
  }

  async function reached(name: string) {
    const [row] = await app.db.select().from(mediaSweeps).where(eq(mediaSweeps.name, name))
    return row ?? { position: '', seen: 0, found: 0 }
  }

  async function note(name: string, at: { position: string; seen: number; found: number }) {
    const row = { ...at, updatedAt: sql`NOW(3)` }
    await app.db
      .insert(mediaSweeps)
      .values({ name, ...row })
      .onDuplicateKeyUpdate({ set: row })
  }

  /** An estimate: small pictures have fewer than three variants. */
  async function expectedObjects() {
    const counts = [
      app.db.select({ n: count() }).from(media),
      app.db.select({ n: count() }).from(users).where(isNotNull(users.avatarKey)),
      app.db.select({ n: count() }).from(users).where(isNotNull(users.headerKey)),
    ]
    const all = await Promise.all(counts)
    return 3 * all.flat().reduce((sum, { n }) => sum + n, 0)
  }
}
