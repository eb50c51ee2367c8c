import type { FastifyInstance } from 'birdhouse'
import { and, eq, gt, isNull } from 'drizzle-orm'
import type { AnyMySqlColumn } from 'drizzle-orm/mysql-core'

/** Adds the rows of an account to the archive for its owner: the other accounts by id and, where they are not hidden, handle. */
export function addExports(app: FastifyInstance) {
  const { blocks, follows, mutes, users } = app.tables

  type Relation = typeof blocks | typeof follows | typeof mutes
  function add(name: string, table: Relation, own: AnyMySqlColumn, other: AnyMySqlColumn) {
    app.exports.add(name, (userId, after, limit) =>
      app.db
        .select({
          id: table.id,
          userId: other,
          handle: users.handle,
          createdAt: table.createdAt,
        })
        .from(table)
        .leftJoin(users, and(eq(users.id, other), isNull(users.hiddenAt)))
        .where(and(eq(own, userId), gt(table.id, after)))
        .orderBy(table.id)
        .limit(limit),
    )
  }

  add('following', follows, follows.followerId, follows.followeeId)
  add('followers', follows, follows.followeeId, follows.followerId)
  add('blocks', blocks, blocks.blockerId, blocks.blockedId)
  add('mutes', mutes, mutes.muterId, mutes.mutedId)
}
