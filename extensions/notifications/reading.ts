import createError from '@fastify/error'
import type { FastifyInstance, PageRequest } from 'birdhouse'
import { and, count, desc, eq, gt, inArray, isNull, lte, or, type SQL, sql } from 'drizzle-orm'
import { createItems } from './items.ts'
import type { Kinds } from './kinds.ts'
import type { Kind } from './schemas.ts'

const NotificationNotFound = createError(
  'NOTIFICATION_NOT_FOUND',
  'You have no such notification.',
  404,
)

/** People named in a notification; the others are counted. */
const NAMED = 3
/** Unread notifications are counted up to this number, at each read of the own account. */
export const COUNTED = 1_000

/** The kinds to read; all by default. */
type Kinded = { of?: string[] | undefined }
type GroupRequest = PageRequest & Kinded & { unread?: boolean }
type Group = { id: number; kind: string; tweetId: number | null; latestId: number; latestAt: Date }

/** Leaves out people who are suspended or whom the recipient blocks or mutes now, and deleted tweets. */
export function createReading(app: FastifyInstance, kinds: Kinds) {
  const { notificationStates, notificationGroups, notificationItems, tweets, users } = app.tables
  const groupColumns = {
    id: notificationGroups.id,
    kind: notificationGroups.kind,
    tweetId: notificationGroups.tweetId,
    latestId: notificationGroups.latestId,
    latestAt: notificationGroups.latestAt,
  }

  const shownTo = (userId: number) =>
    and(
      isNull(users.hiddenAt),
      app.graph.notBlocked(userId, users.id),
      app.graph.notMuted(userId, users.id),
    )

  /** A group is visible while its kind is known, one of its people is visible and its tweet is not deleted. */
  const visible = (userId: number) =>
    and(
      eq(notificationGroups.userId, userId),
      // CONCAT keeps the index of kinds out: pages are read in the order of another one.
      inArray(sql`CONCAT(${notificationGroups.kind})`, kinds.names()),
      or(isNull(notificationGroups.tweetId), isNull(tweets.deletedAt)),
      // Not EXISTS: MariaDB turns it into a join that reads all items of a group of 100,000. STRAIGHT_JOIN:
      // in a small database MySQL begins with `users` and reads all items of each.
      sql`(SELECT STRAIGHT_JOIN 1 FROM ${notificationItems} JOIN ${users} ON ${users.id} = ${notificationItems.actorId} WHERE ${notificationItems.groupId} = ${notificationGroups.id} AND ${shownTo(userId)} LIMIT 1) IS NOT NULL`,
    )

  const ofKinds = (kinds: string[] | undefined) =>
    kinds && inArray(sql`CONCAT(${notificationGroups.kind})`, kinds)

  const newestFirst = desc(notificationGroups.latestId)
  const groupsOf = (userId: number, where: SQL | undefined, limit: number, order = newestFirst) =>
    app.db
      .select(groupColumns)
      .from(notificationGroups)
      .leftJoin(tweets, eq(tweets.id, notificationGroups.tweetId))
      .where(and(visible(userId), where))
      .orderBy(order)
      .limit(limit)

  /** Latest first, of these kinds alone. A group that somebody joins moves to the top. */
  async function page(userId: number, { unread, of, ...request }: GroupRequest) {
    const list = `notifications:${userId}`
    const range = app.pages.range(list, notificationGroups.latestId, request)
    const readUpTo = await readUpToOf(userId)
    const newer = unread ? gt(notificationGroups.latestId, readUpTo) : undefined
    const where = and(range.where, newer, ofKinds(of))
    const rows = await groupsOf(userId, where, request.limit + 1, range.orderBy)
    const { items, ...cursors } = app.pages.toPage(
      list,
      rows,
      request.limit,
      (row) => row.latestId,
      request,
    )
    return { items: await present(userId, items, readUpTo), ...cursors }
  }

  /** A notification as in the list; undefined if it is someone else's or not visible. */
  async function get(id: number, userId: number) {
    const rows = await groupsOf(userId, eq(notificationGroups.id, id), 1)
    const [item] = await present(userId, rows, await readUpToOf(userId))
    return item
  }

  async function present(userId: number, groups: Group[], readUpTo: number) {
    const people = await peopleOf(userId, groups)
    const shown = await tweetsOf(userId, groups)
    const actorIds = [...people.values()].flat().map(({ actorId }) => actorId)
    const summaries = await app.users.summariesOf(actorIds, userId)
    const items = groups.map(({ kind, tweetId, latestAt, ...group }) => {
      const named = people.get(group.id) ?? []
      return {
        ...group,
        // `visible` leaves other kinds out.
        kind: kind as Kind,
        tweet: (tweetId && shown.get(tweetId)) || null,
        subjectId: named[0]?.subjectId || null,
        people: named.flatMap(({ actorId }) => summaries.get(actorId) ?? []),
        peopleCount: named[0]?.total ?? 0,
        latestAt: latestAt.toISOString(),
        read: group.latestId <= readUpTo,
      }
    })
    return app.resources.fill('Notification', items, { viewerId: userId })
  }

  /** The latest people of each group and their total number, with one query for all groups. */
  async function peopleOf(userId: number, groups: Group[]) {
    if (groups.length === 0) return new Map<number, never[]>()
    const ofGroup = sql`PARTITION BY ${notificationItems.groupId}`
    const ranked = app.db
      .select({
        actorId: notificationItems.actorId,
        subjectId: notificationItems.subjectId,
        groupId: notificationItems.groupId,
        place: sql<number>`ROW_NUMBER() OVER (${ofGroup} ORDER BY ${notificationItems.id} DESC)`
          .mapWith(Number)
          .as('place'),
        total: sql<number>`COUNT(*) OVER (${ofGroup})`.mapWith(Number).as('total'),
      })
      .from(notificationItems)
      .innerJoin(users, eq(users.id, notificationItems.actorId))
      .where(
        and(
          inArray(
            notificationItems.groupId,
            groups.map(({ id }) => id),
          ),
          shownTo(userId),
        ),
      )
      .as('ranked')
    const rows = await app.db
      .select()
      .from(ranked)
      .where(lte(ranked.place, NAMED))
      .orderBy(ranked.place)
    return Map.groupBy(rows, ({ groupId }) => groupId)
  }

  async function tweetsOf(userId: number, groups: Group[]) {
    const ids = [...new Set(groups.flatMap(({ tweetId }) => tweetId ?? []))]
    if (ids.length === 0) return new Map<number, never>()
    return app.tweets.byIds(ids, userId)
  }

  /** Everyone in a group, latest first. @throws NotificationNotFound */
  async function people(userId: number, groupId: number, request: PageRequest) {
    if ((await groupsOf(userId, eq(notificationGroups.id, groupId), 1)).length === 0) {
      throw new NotificationNotFound()
    }
    const list = `notification:${groupId}`
    const range = app.pages.range(list, notificationItems.id, request)
    const rows = await app.db
      .select({ actorId: notificationItems.actorId, position: notificationItems.id })
      .from(notificationItems)
      .innerJoin(users, eq(users.id, notificationItems.actorId))
      .where(and(eq(notificationItems.groupId, groupId), range.where, shownTo(userId)))
      .orderBy(range.orderBy)
      .limit(request.limit + 1)
    const page = app.pages.toPage(list, rows, request.limit, ({ position }) => position, request)
    const actorIds = page.items.map(({ actorId }) => actorId)
    const summaries = await app.users.summariesOf(actorIds, userId)
    return { ...page, items: actorIds.flatMap((id) => summaries.get(id) ?? []) }
  }

  /** At most `limit`. */
  async function unreadCount(
    userId: number,
    { of, limit = COUNTED }: Kinded & { limit?: number } = {},
  ) {
    const unread = gt(notificationGroups.latestId, await readUpToOf(userId))
    const some = groupsOf(userId, and(unread, ofKinds(of)), limit).as('some')
    const [row] = await app.db.select({ n: count() }).from(some)
    return row?.n ?? 0
  }

  async function readUpToOf(userId: number) {
    const [state] = await app.db
      .select({ readUpTo: notificationStates.readUpTo })
      .from(notificationStates)
      .where(eq(notificationStates.userId, userId))
    return state?.readUpTo ?? 0
  }

  return { page, get, people, unreadCount, readUpToOf, ...createItems(app, kinds, shownTo) }
}
