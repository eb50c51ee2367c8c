import type { FastifyInstance, PageRequest } from 'birdhouse'
import { type AnyColumn, and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { MySqlTable } from 'drizzle-orm/mysql-core'

type NotBlocked = (viewerId: number | undefined, column: AnyColumn) => SQL | undefined
/** A table of pairs: `of` is the column that selects the list, `shown` the column of the listed users. */
type Relation = { table: MySqlTable; of: AnyColumn; shown: AnyColumn; position: AnyColumn }

/** Lists users by a relation, newest relation first. */
export function createGraphLists(app: FastifyInstance, notBlocked: NotBlocked) {
  const { blocks, follows, likes, mutes, tweets, users } = app.tables

  async function page(
    name: string,
    relation: Relation,
    id: number,
    request: PageRequest,
    viewerId?: number,
    where?: SQL,
  ) {
    const list = `${name}:${id}`
    const range = app.pages.range(list, relation.position, request)
    const rows = await app.replicas.read((db) =>
      db
        .select({ id: users.id, position: sql`${relation.position}`.mapWith(Number) })
        .from(users)
        .innerJoin(relation.table, eq(users.id, relation.shown))
        .where(and(eq(relation.of, id), range.where, isNull(users.hiddenAt), where))
        .orderBy(range.orderBy)
        .limit(request.limit + 1),
    )
    const { items, ...cursors } = app.pages.toPage(
      list,
      rows,
      request.limit,
      ({ position }) => position,
      request,
    )
    const people = await app.users.summariesOf(
      items.map(({ id }) => id),
      viewerId,
    )
    return { items: items.flatMap(({ id }) => people.get(id) ?? []), ...cursors }
  }

  const followers: Relation = {
    table: follows,
    of: follows.followeeId,
    shown: follows.followerId,
    position: follows.id,
  }
  const followees: Relation = { ...followers, of: follows.followerId, shown: follows.followeeId }
  const blocked: Relation = {
    table: blocks,
    of: blocks.blockerId,
    shown: blocks.blockedId,
    position: blocks.id,
  }
  const muted: Relation = {
    table: mutes,
    of: mutes.muterId,
    shown: mutes.mutedId,
    position: mutes.id,
  }
  const likers: Relation = {
    table: likes,
    of: likes.tweetId,
    shown: likes.userId,
    position: likes.id,
  }
  const retweeters: Relation = {
    table: tweets,
    of: tweets.retweetOfId,
    shown: tweets.authorId,
    position: tweets.id,
  }

  /** Public lists leave out users who block the viewer or are blocked by the viewer. */
  const open =
    (name: string, relation: Relation) => (id: number, request: PageRequest, viewerId?: number) =>
      page(name, relation, id, request, viewerId, notBlocked(viewerId, users.id))

  return {
    followers: open('followers', followers),
    followees: open('followees', followees),
    likers: open('likers', likers),
    retweeters: open('retweeters', retweeters),
    blocked: (userId: number, request: PageRequest) =>
      page('blocks', blocked, userId, request, userId),
    muted: (userId: number, request: PageRequest) => page('mutes', muted, userId, request, userId),
  }
}
