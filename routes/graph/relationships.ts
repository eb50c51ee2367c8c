import type { FastifyInstance } from 'birdhouse'
import { type AnyColumn, inArray, type SQL, sql } from 'drizzle-orm'

/** Viewers in the cache of a process; each has some 100 relationships of 50 bytes. */
const VIEWERS = 2_000

type Relationship = {
  follows: boolean
  mutes: boolean
  /** True when either user blocks the other. */
  blocked: boolean
}
type NotBlocked = (viewerId: number, column: AnyColumn) => SQL | undefined

/** All possible values, frozen because all pairs of users share them. */
const KINDS = Array.from({ length: 8 }, (_, bits) =>
  Object.freeze({ follows: bits > 3, mutes: (bits & 2) > 0, blocked: (bits & 1) > 0 }),
)

/** Caches the relationships of viewers; the rules of visibility apply them to known authors. */
export function createRelationships(app: FastifyInstance, notBlocked: NotBlocked) {
  const { follows, mutes, users } = app.tables
  const viewerId = app.placeholder('viewerId')
  const bit = (weight: number, condition: SQL) =>
    sql`IF(${condition}, ${sql.raw(String(weight))}, 0)`
  const followed = sql`EXISTS (SELECT 1 FROM ${follows} WHERE follower_id = ${viewerId} AND followee_id = ${users.id})`
  const muted = sql`EXISTS (SELECT 1 FROM ${mutes} WHERE muter_id = ${viewerId} AND muted_id = ${users.id})`
  const blocked = sql`NOT (${notBlocked(viewerId, users.id)})`
  const bits = sql`${bit(4, followed)} + ${bit(2, muted)} + ${bit(1, blocked)}`.mapWith(Number)

  const read = app.prepareForIds((ids, db) =>
    db.select({ id: users.id, bits }).from(users).where(inArray(users.id, ids)),
  )

  return app.cache.byOwner<Relationship | undefined>('relations', {
    max: VIEWERS,
    load: async (viewer, ids, db) => {
      const rows = await read(ids, { viewerId: viewer }, db)
      const known = new Map(rows.map((row) => [row.id, KINDS[row.bits]]))
      return new Map(ids.map((id) => [id, known.get(id)]))
    },
  })
}
