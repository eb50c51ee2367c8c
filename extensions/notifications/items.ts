import type { FastifyInstance, PageRequest } from 'birdhouse'
import { and, eq, inArray, isNotNull, isNull, or, type SQL } from 'drizzle-orm'
import type { Kinds } from './kinds.ts'

/** Each cause as a notification of its own, for an API without groups. Its id never changes. */
export function createItems(
  app: FastifyInstance,
  kinds: Kinds,
  shownTo: (userId: number) => SQL | undefined,
) {
  const { notificationItems: items, notificationGroups: groups, tweets, users } = app.tables

  const read = (userId: number, where: SQL | undefined) =>
    app.db
      .select({
        id: items.id,
        kind: items.kind,
        actorId: items.actorId,
        tweetId: groups.tweetId,
        createdAt: items.createdAt,
      })
      .from(items)
      .innerJoin(groups, eq(groups.id, items.groupId))
      .innerJoin(users, eq(users.id, items.actorId))
      .leftJoin(tweets, eq(tweets.id, groups.tweetId))
      .where(
        and(
          eq(items.userId, userId),
          isNotNull(items.groupId),
          or(isNull(groups.tweetId), isNull(tweets.deletedAt)),
          shownTo(userId),
          where,
        ),
      )

  type Item = Awaited<ReturnType<typeof read>>[number]

  /** Latest first; of these kinds alone. */
  async function causes(userId: number, { of, ...request }: PageRequest & { of?: string[] }) {
    const list = `notification-causes:${userId}`
    const range = app.pages.range(list, items.id, request)
    const wanted = kinds.names().filter((kind) => !of || of.includes(kind))
    const rows =
      wanted.length > 0
        ? await read(userId, and(inArray(items.kind, wanted), range.where))
            .orderBy(range.orderBy)
            .limit(request.limit + 1)
        : []
    const page = app.pages.toPage(list, rows, request.limit, ({ id }) => id, request)
    return { ...page, items: await present(userId, page.items) }
  }

  /** Undefined if it is someone else's or not visible. */
  async function cause(id: number, userId: number) {
    const [item] = await present(userId, await read(userId, eq(items.id, id)))
    return item
  }

  async function present(userId: number, rows: Item[]) {
    const tweetIds = [...new Set(rows.flatMap(({ tweetId }) => tweetId ?? []))]
    const shown = tweetIds.length > 0 ? await app.tweets.byIds(tweetIds, userId) : new Map()
    return rows.flatMap(({ tweetId, createdAt, ...item }) => {
      const tweet = tweetId === null ? null : shown.get(tweetId)
      if (tweet === undefined) return []
      return [{ ...item, tweet, createdAt: createdAt.toISOString() }]
    })
  }

  return { causes, cause }
}
