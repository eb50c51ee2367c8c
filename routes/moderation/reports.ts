import createError from '@fastify/error'
import type { FastifyInstance, PageRequest, Tx } from 'birdhouse'
import { and, count, eq, isNull, sql } from 'drizzle-orm'
import { type Audit, cleanReason } from './audit.ts'
import { type Removals, TargetNotFound } from './removals.ts'

export type TargetKind = 'account' | 'tweet' | 'picture' | 'avatar' | 'header'
type NewReport = { kind: TargetKind; id: number; category: string; text?: string | undefined }
export type ReportFilter = { state: 'open' | 'closed'; accountId?: number | undefined }

/** Reports that an account can make in 24 hours. */
const MAX = 50

const OwnContent = createError('OWN_CONTENT', 'You cannot report yourself.', 400)
const TooManyReports = createError(
  'TOO_MANY_REPORTS',
  `You can make at most ${MAX} reports in 24 hours; try again tomorrow.`,
  429,
)
export const ReportNotFound = createError(
  'REPORT_NOT_FOUND',
  'There is no report with this id.',
  404,
)

export function createReports(app: FastifyInstance, audit: Audit, { targetOwner }: Removals) {
  const { moderationReports: reports, moderationActs: acts, tweets } = app.tables

  /**
   * Reports an account, a tweet, a picture in a tweet or a profile picture. Idempotent while the report is open. Blocks do not
   * matter, since abuse and blocks go together. @throws OwnContent, TooManyReports, TargetNotFound, UserNotFound
   */
  async function report(
    reporterId: number,
    { kind, id, category, text: given = '' }: NewReport,
    outer?: Tx,
  ) {
    const text = cleanReason(app, given, 'text', 0)
    return app.transaction(async (tx) => {
      await app.users.states.lock(tx, reporterId)
      const accountId = kind === 'account' ? id : await targetOwner(tx, kind, id)
      if (accountId === reporterId) throw new OwnContent()
      await app.users.assertExist(tx, [accountId])
      if ((kind === 'avatar' || kind === 'header') && !(await hasPicture(kind, accountId)))
        throw new TargetNotFound(kind, id)
      const own = { reporterId, targetKind: kind, targetId: id }
      await tx
        .insert(reports)
        .ignore()
        .values({ ...own, accountId, category, text })
      const [row] = await tx
        .select({ id: reports.id, category: reports.category, createdAt: reports.createdAt })
        .from(reports)
        .where(
          and(
            eq(reports.reporterId, reporterId),
            eq(reports.targetKind, kind),
            eq(reports.targetId, id),
            eq(reports.open, 1),
          ),
        )
      if (!row) throw new ReportNotFound()
      await assertFew(tx, reporterId)
      return shown({ ...row, targetKind: kind, targetId: id })
    }, outer)
  }

  const hasPicture = async (kind: 'avatar' | 'header', userId: number) =>
    (await app.users.pictures[kind].keyOf(userId)) !== null

  /** The caller has locked the reporter, so reports at the same time are counted. */
  async function assertFew(tx: Tx, reporterId: number) {
    const recent = sql`${reports.createdAt} > NOW(3) - INTERVAL 24 HOUR`
    const [row] = await tx
      .select({ made: count() })
      .from(reports)
      .where(and(eq(reports.reporterId, reporterId), recent))
    if ((row?.made ?? 0) > MAX) throw new TooManyReports()
  }

  /** Open reports oldest first, closed reports newest first. @throws InvalidCursor */
  async function page({ state, accountId }: ReportFilter, request: PageRequest) {
    const isOpen = state === 'open'
    const name = `reports:${state}:${accountId ?? ''}`
    const list = { name, id: reports.id, oldestFirst: isOpen }
    const { items, nextCursor } = await app.pages.read(list, request, (page) =>
      app.db
        .select({ id: reports.id, report: reports, tweetText: tweets.text })
        .from(reports)
        .leftJoin(tweets, and(eq(reports.targetKind, 'tweet'), eq(tweets.id, reports.targetId)))
        .where(
          and(
            isOpen ? eq(reports.open, 1) : isNull(reports.open),
            accountId === undefined ? undefined : eq(reports.accountId, accountId),
            page.where,
          ),
        )
        .orderBy(page.orderBy)
        .limit(page.limit),
    )
    const people = items.flatMap(({ report }) => [report.accountId, report.reporterId])
    const handles = await audit.handlesOf(people)
    const named = (id: number) => ({ id, handle: handles.get(id) ?? null })
    return {
      items: items.map(({ report, tweetText }) => ({
        ...shown(report),
        account: named(report.accountId),
        reporter: named(report.reporterId),
        text: report.text,
        tweetText,
        closedAt: report.closedAt?.toISOString() ?? null,
        actId: report.actId,
      })),
      nextCursor,
    }
  }

  /** An account's own reports, newest first, each with its outcome; which act it was is between others. */
  async function own(reporterId: number, request: PageRequest) {
    const list = { name: `own-reports:${reporterId}`, id: reports.id }
    const { items, nextCursor } = await app.pages.read(list, request, (page) =>
      app.db
        .select({ id: reports.id, report: reports, act: acts.act })
        .from(reports)
        .leftJoin(acts, eq(acts.id, reports.actId))
        .where(and(eq(reports.reporterId, reporterId), page.where))
        .orderBy(page.orderBy)
        .limit(page.limit),
    )
    return {
      items: items.map(({ report, act }) => ({
        ...shown(report),
        closedAt: report.closedAt?.toISOString() ?? null,
        outcome: report.open ? null : outcomeOf(act),
      })),
      nextCursor,
    }
  }

  return { report, reports: page, ownReports: own }
}

type Shown = { id: number; targetKind: string; targetId: number; category: string; createdAt: Date }

const shown = ({ id, targetKind, targetId, category, createdAt }: Shown) => ({
  id,
  // The column holds what `report` has written.
  target: { kind: targetKind as TargetKind, id: targetId },
  category,
  createdAt: createdAt.toISOString(),
})

const outcomeOf = (act: string | null) =>
  act === 'dismiss-report' ? ('dismissed' as const) : ('acted' as const)
