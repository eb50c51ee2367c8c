import { and, eq, isNull, lt, type SQL } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { decodeCursor, type PageRequest, toPage } from '../../plugins/pagination.ts'
import type { createTweetQueries } from './queries.ts'

export function createTweetLists(
  app: FastifyInstance,
  queries: ReturnType<typeof createTweetQueries>,
) {
  const { tweets, likes } = app.tables

  async function page(
    list: string,
    where: SQL | undefined,
    request: PageRequest,
    viewerId?: number,
  ) {
    const position = queries.before(decodeCursor(list, request.cursor))
    const rows = await queries.visible({
      viewerId,
      where: and(where, queries.notDeleted, position),
      limit: request.limit + 1,
    })
    return fill(
      toPage(list, rows, request.limit, ({ id }) => id),
      viewerId,
    )
  }

  async function fill<Row extends { id: number; originalId: number | null }>(
    { items, nextCursor }: { items: Row[]; nextCursor: string | null },
    viewerId?: number,
  ) {
    return { items: await queries.hydrate(items, viewerId), nextCursor }
  }

  /** Everyone's tweets and replies; retweets would only repeat them. */
  const everyones = (request: PageRequest, viewerId?: number) =>
    page('tweets', isNull(tweets.retweetOfId), request, viewerId)

  const byAuthor = (authorId: number, request: PageRequest, viewerId?: number) =>
    page(`tweets-by:${authorId}`, eq(tweets.authorId, authorId), request, viewerId)

  const replies = (tweetId: number, request: PageRequest, viewerId?: number) =>
    page(`replies:${tweetId}`, eq(tweets.replyToId, tweetId), request, viewerId)

  /** What a user likes, latest like first. */
  async function likedBy(userId: number, request: PageRequest, viewerId?: number) {
    const list = `liked-by:${userId}`
    const before = decodeCursor(list, request.cursor)
    const rows = await queries.likedBy(userId, {
      viewerId,
      where: before === undefined ? undefined : lt(likes.id, before),
      limit: request.limit + 1,
    })
    return fill(
      toPage(list, rows, request.limit, ({ position }) => position),
      viewerId,
    )
  }

  return { everyones, byAuthor, replies, likedBy }
}
