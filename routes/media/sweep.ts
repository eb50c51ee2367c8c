import type { FastifyInstance } from 'birdhouse'
import { inArray } from 'drizzle-orm'
import type { AnyMySqlColumn } from 'drizzle-orm/mysql-core'

/** Milliseconds after which an object without a row is an orphan; uploads take seconds. */
const ORPHAN_AGE = 24 * 3600 * 1000

type Stored = { key: string; lastModified: Date }
export type SweptPage = { position: string; seen: number; orphans: string[] }

/** Finds orphans, objects that no row references: an upload stores its objects before its row. */
export function createSweep(app: FastifyInstance) {
  const { media, users } = app.tables
  const { avatar, header } = app.users.pictures

  /** The column that holds the keys of each folder. */
  const columns: Record<string, AnyMySqlColumn> = {
    [avatar.folder]: users.avatarKey,
    [header.folder]: users.headerKey,
    media: media.key,
  }

  /** Objects of another feature: those of `<folder>/<key>/` are orphans when no row of the column has the key. */
  function addFolder(folder: string, column: AnyMySqlColumn) {
    columns[folder] = column
  }

  /** Yields each page of the bucket behind the object `after`; `age` in milliseconds. */
  async function* walk(after = '', age = ORPHAN_AGE): AsyncGenerator<SweptPage> {
    for (const folder of Object.keys(columns).sort()) {
      const prefix = `${folder}/`
      const begun = after.startsWith(prefix)
      if (after > prefix && !begun) continue
      for (let position: string | null = begun ? after : ''; position !== null; ) {
        const { objects, next } = await app.s3.list(prefix, position)
        const last = objects.at(-1)?.key
        if (last) yield { position: last, seen: objects.length, orphans: await orphans(objects) }
        position = next
      }
    }

    async function orphans(objects: Stored[]) {
      const old = objects.filter(({ lastModified }) => lastModified.getTime() <= Date.now() - age)
      const known = await knownKeys(old)
      return old.map(({ key }) => key).filter((key) => !known.has(keyOf(key)))
    }
  }

  /** All objects of a page are in one folder. */
  async function knownKeys(objects: Stored[]) {
    const column = columns[objects[0]?.key.split('/')[0] ?? '']
    if (!column) return new Set<string | null>()
    const keys = [...new Set(objects.map(({ key }) => keyOf(key)))]
    const rows = await app.db
      .select({ key: column })
      .from(column.table)
      .where(inArray(column, keys))
    return new Set<string | null>(rows.map(({ key }) => key as string))
  }

  return { walk, addFolder }
}

/** The key in `media/<key>/320.webp`. */
const keyOf = (object: string) => object.split('/')[1] ?? ''

export type Sweep = ReturnType<typeof createSweep>
