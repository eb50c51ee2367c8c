import { type AnyColumn, inArray, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { placeholder } from '../../plugins/db/prepared.ts'

/** Viewers that a process remembers; each with some hundred people, of 50 bytes each. */
const VIEWERS = 2_000

type Relationship = {
  follows: boolean
  mutes: boolean
  /** In either direction. */
  blocked: boolean
}
type NotBlocked = (viewerId: number, column: AnyColumn) => SQL | undefined

/** All there is: shared, since nearly every pair of people has one of a few. */
const KINDS = Array.from({ length: 8 }, (_, bits) =>
  Object.freeze({ follows: bits > 3, mutes: (bits & 2) > 0, blocked: (bits & 1) > 0 }),
)

/** How a viewer stands to other people: the rules of visibility, where both are known. */
export function createRelationships(app: FastifyInstance, notBlocked: NotBlocked) {
  const { follows, mutes, users } = app.tables
  const viewerId = placeholder('viewerId')
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
