import type { FastifyInstance, PageRequest } from 'birdhouse'
import { and, eq, isNull, type SQL } from 'drizzle-orm'
import type { Hydrate } from './hydration.ts'
import type { ListSource, TweetVisibility } from './visibility.ts'
import type { Row } from './visibility-rules.ts'

/** The kind of the list of everyone's tweets, as filters receive it. */
export const EVERYONES = 'tweets'

export function createTweetLists(
  app: FastifyInstance,
  visibility: TweetVisibility,
  hydrate: Hydrate['hydrate'],
) {
  const { tweets, likes } = app.tables

  /**
   * Returns a page of the tweets that meet the condition and that the viewer may see, newest first.
   * `list` is a kind, followed by `:<id>` for one list per id: cursors are valid for that list
   * only, and filters that features add receive the kind. @throws InvalidCursor
   */
  async function page(
    list: string,
    where: SQL | undefined,
    request: PageRequest,
    viewerId?: number,
  ) {
    const position = app.pages.range(list, tweets.id, request).where
    const selection = {
      viewerId,
      list: kindOf(list),
      where: and(where, visibility.notDeleted, position),
      limit: request.limit + 1,
      ascending: request.ascending,
    }
    const reading = app.replicas.read((db) => visibility.visible(selection, db))
    const [rows] = await Promise.all([reading, app.cache.sync()])
    return present(
      app.pages.toPage(list, rows, request.limit, ({ id }) => id, request),
      viewerId,
    )
  }

  async function present(
    { items, ...cursors }: { items: Row[]; nextCursor: string | null; newest: number | undefined },
    viewerId?: number,
  ) {
    return { items: await hydrate(items, { viewerId }), ...cursors }
  }

  /** Without retweets, which would repeat tweets. */
  const everyones = (request: PageRequest, viewerId?: number) =>
    page(EVERYONES, isNull(tweets.retweetOfId), request, viewerId)

  const byAuthor = (authorId: number, request: PageRequest, viewerId?: number) =>
    page(`tweets-by:${authorId}`, eq(tweets.authorId, authorId), request, viewerId)

  const replies = (tweetId: number, request: PageRequest, viewerId?: number) =>
    page(`replies:${tweetId}`, eq(tweets.replyToId, tweetId), request, viewerId)

  /** Like `page`, in the order of another table's rows that point at tweets. */
  async function pageBy(
    list: string,
    source: ListSource,
    where: SQL | undefined,
    request: PageRequest,
    viewerId?: number,
  ) {
    const position = app.pages.range(list, source.position, request).where
    const selection = {
      viewerId,
      list: kindOf(list),
      where: and(where, position),
      limit: request.limit + 1,
      ascending: request.ascending,
    }
    const reading = app.replicas.read((db) => visibility.visibleBy(source, selection, db))
    const [rows] = await Promise.all([reading, app.cache.sync()])
    return present(
      app.pages.toPage(list, rows, request.limit, ({ position }) => position, request),
      viewerId,
    )
  }

  const byLike: ListSource = { table: likes, tweetId: likes.tweetId, position: likes.id }

  const likedBy = (userId: number, request: PageRequest, viewerId?: number) =>
    pageBy(`liked-by:${userId}`, byLike, eq(likes.userId, userId), request, viewerId)

  return { page, pageBy, everyones, byAuthor, replies, likedBy }
}

const kindOf = (list: string) => list.split(':')[0]
