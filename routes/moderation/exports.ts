import type { FastifyInstance } from 'birdhouse'
import { and, eq, gt } from 'drizzle-orm'

/** Adds the rows of an account to the archive for its owner: own reports and appeals, and the acts that concern the account. */
export function addExports(app: FastifyInstance) {
  const { moderationActs, moderationAppeals, moderationReasons, moderationReports } = app.tables
  const [acts, appeals, reports] = [moderationActs, moderationAppeals, moderationReports]

  app.exports.add('reports', (userId, after, limit) =>
    app.db
      .select({
        id: reports.id,
        targetKind: reports.targetKind,
        targetId: reports.targetId,
        category: reports.category,
        text: reports.text,
        createdAt: reports.createdAt,
        closedAt: reports.closedAt,
      })
      .from(reports)
      .where(and(eq(reports.reporterId, userId), gt(reports.id, after)))
      .orderBy(reports.id)
      .limit(limit),
  )

  // Without the moderator.
  app.exports.add('moderation-acts', (userId, after, limit) =>
    app.db
      .select({
        id: acts.id,
        act: acts.act,
        targetKind: acts.targetKind,
        targetId: acts.targetId,
        reason: moderationReasons.reason,
        createdAt: acts.createdAt,
      })
      .from(acts)
      .leftJoin(moderationReasons, eq(moderationReasons.actId, acts.id))
      .where(and(eq(acts.accountId, userId), gt(acts.id, after)))
      .orderBy(acts.id)
      .limit(limit),
  )

  app.exports.add('appeals', (userId, after, limit) =>
    app.db
      .select({
        id: appeals.id,
        actId: appeals.actId,
        text: appeals.text,
        createdAt: appeals.createdAt,
        outcome: appeals.outcome,
        answer: appeals.answer,
        answeredAt: appeals.answeredAt,
      })
      .from(appeals)
      .where(and(eq(appeals.accountId, userId), gt(appeals.id, after)))
      .orderBy(appeals.id)
      .limit(limit),
  )
}
