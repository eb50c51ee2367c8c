import type { FastifyInstance } from 'birdhouse'
import { and, eq, gt } from 'drizzle-orm'

/** Adds the notifications of the recipient to an archive: who did what, without what has been purged. */
export function addExports(app: FastifyInstance) {
  const { notificationItems: items, notificationGroups: groups, notificationStates } = app.tables

  app.exports.add('notifications', (userId, after, limit) =>
    app.db
      .select({
        id: items.id,
        kind: items.kind,
        actorId: items.actorId,
        subjectId: items.subjectId,
        tweetId: groups.tweetId,
        createdAt: items.createdAt,
      })
      .from(items)
      .leftJoin(groups, eq(groups.id, items.groupId))
      .where(and(eq(items.userId, userId), gt(items.id, after)))
      .orderBy(items.id)
      .limit(limit),
  )

  app.exports.add('notifications-read', (userId) =>
    app.db
      .select({ readUpTo: notificationStates.readUpTo })
      .from(notificationStates)
      .where(eq(notificationStates.userId, userId)),
  )
}
