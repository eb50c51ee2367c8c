import type { EventPayloads, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, exists, inArray, isNotNull, isNull, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/mysql-core'
import { createStrangers } from './strangers.ts'
import type {} from './tables.ts'

declare module 'fastify' {
  interface EventPayloads {
    // Emitted by the extension `hashtags`, which documents the event.
    'tweet.mentioned': { tweetId: number; authorId: number; mentionedIds: number[] }
  }
  interface JobPayloads {
    'notifications.mentioned': EventPayloads['tweet.mentioned']
  }
}

/** Tweets whose mentions are settled together. */
const BATCH = 25

type Mention = { userId: number; actorId: number; tweetId: number }
type Item = Mention & { id: number; isStranger: boolean }
/** `groupId` is null where the tweet's row is gone. */
type Judged = Item & { groupId: number | null; isWanted: boolean }

/** Mentions are settled together: each statement is for all tweets of a batch. */
export function addMentions(app: FastifyInstance) {
  const { addKind, lockAll, announce } = app.notifications
  const { follows, notificationGroups, notificationItems, tweets, users } = app.tables
  const recipient = alias(users, 'recipient')
  const strangers = createStrangers(app)
  const kind = 'mention'

  addKind(kind, { description: 'Somebody mentions you in `tweet`.' })

  const settle = app.jobs.merging(async (events: EventPayloads['tweet.mentioned'][]) => {
    const mentions = await withoutParents(
      events.flatMap(({ tweetId, authorId: actorId, mentionedIds }) =>
        mentionedIds.map((userId) => ({ userId, actorId, tweetId })),
      ),
    )
    await app.transaction((tx) => notify(tx, mentions))
  })
  app.events.subscribe('tweet.mentioned', 'notifications.mentioned', (event) => settle(event), {
    batch: BATCH,
  })

  /** A reply that mentions the author it replies to counts as a reply. */
  async function withoutParents(mentions: Mention[]) {
    const parent = alias(tweets, 'parent')
    const ids = [...new Set(mentions.map(({ tweetId }) => tweetId))]
    if (ids.length === 0) return []
    const rows = await app.db
      .select({ id: tweets.id, parentAuthorId: parent.authorId })
      .from(tweets)
      .innerJoin(parent, eq(parent.id, tweets.replyToId))
      .where(inArray(tweets.id, ids))
    const parents = new Map(rows.map(({ id, parentAuthorId }) => [id, parentAuthorId]))
    return mentions.filter(({ tweetId, userId }) => parents.get(tweetId) !== userId)
  }

  /** Does what `emit` does, for many, and keeps within the budgets. */
  async function notify(tx: Tx, mentions: Mention[]) {
    const known = await lockAll(
      tx,
      mentions.map(({ userId }) => userId),
    )
    const possible = mentions.filter((one) => one.userId !== one.actorId && known.has(one.userId))
    const items = await insertItems(tx, possible)
    if (items.length === 0) return
    await insertGroups(tx, items)
    const judged = await judge(tx, items)
    const wanted = judged.filter(({ isWanted }) => isWanted)
    const paid = await strangers.within(
      tx,
      wanted.filter(({ isStranger }) => isStranger),
    )
    const kept = new Set([...wanted.filter(({ isStranger }) => !isStranger), ...paid])
    await remove(
      tx,
      judged.filter((item) => !kept.has(item)),
    )
    // The jobs that follow are those of the account that mentions, not of the first job of the batch.
    for (const { groupId, userId, actorId } of kept)
      if (groupId !== null)
        await app.jobs.causedBy(actorId, () => announce(tx, { notificationId: groupId, userId }))
  }

  /** Returns the items that are new. */
  async function insertItems(tx: Tx, mentions: Mention[]): Promise<Item[]> {
    if (mentions.length === 0) return []
    const rows = mentions.map(({ tweetId: subjectId, ...one }) => ({ ...one, kind, subjectId }))
    await tx.insert(notificationItems).ignore().values(rows)
    const { id, userId, actorId, subjectId: tweetId, groupId } = notificationItems
    const given = sql`JSON_TABLE(${JSON.stringify(mentions)}, '$[*]' COLUMNS (
      user_id BIGINT UNSIGNED PATH '$.userId', actor_id BIGINT UNSIGNED PATH '$.actorId',
      tweet_id BIGINT UNSIGNED PATH '$.tweetId')) AS given`
    const isSame = sql`${userId} = given.user_id AND ${notificationItems.kind} = ${kind}
      AND ${actorId} = given.actor_id AND ${tweetId} = given.tweet_id`
    const follow = and(eq(follows.followerId, userId), eq(follows.followeeId, actorId))
    const isStranger = sql`${follows.id} IS NULL`.mapWith(Boolean)
    return tx
      .select({ id, userId, actorId, tweetId, isStranger })
      .from(given)
      .innerJoin(notificationItems, isSame)
      .leftJoin(follows, follow)
      .where(isNull(groupId))
  }

  async function insertGroups(tx: Tx, items: Item[]) {
    const rows = items.map(({ id: latestId, userId, tweetId }) => ({
      userId,
      kind,
      tweetId,
      latestId,
    }))
    // Leaves out the groups of tweets whose row is gone.
    await tx.insert(notificationGroups).ignore().values(rows)
    await tx.execute(sql`UPDATE ${notificationItems} JOIN ${notificationGroups}
      ON ${notificationGroups.userId} = ${notificationItems.userId}
        AND ${notificationGroups.latestId} = ${notificationItems.id}
      SET ${notificationItems.groupId} = ${notificationGroups.id}
      WHERE ${inArray(notificationItems.id, idsOf(items))}`)
  }

  /** Read after the insert: the foreign key of the group holds the tweet. */
  async function judge(tx: Tx, items: Item[]): Promise<Judged[]> {
    const { id, userId, actorId, subjectId, groupId } = notificationItems
    const shown = tx
      .select({ id: tweets.id })
      .from(tweets)
      .where(and(eq(tweets.id, subjectId), isNull(tweets.deletedAt)))
    const isWanted = and(
      isNotNull(groupId),
      isNull(users.deletedAt),
      isNull(recipient.deletedAt),
      app.graph.notBlocked(userId, users.id),
      app.graph.notMuted(userId, users.id),
      exists(shown),
    )
    const rows = await tx
      .select({ id, groupId, isWanted: sql`${isWanted}`.mapWith(Boolean) })
      .from(notificationItems)
      .innerJoin(users, eq(users.id, actorId))
      .innerJoin(recipient, eq(recipient.id, userId))
      .where(inArray(id, idsOf(items)))
    const byId = new Map(rows.map((row) => [row.id, row]))
    return items.map((item) => ({ groupId: null, isWanted: false, ...item, ...byId.get(item.id) }))
  }

  async function remove(tx: Tx, items: Judged[]) {
    if (items.length === 0) return
    const groupIds = items.flatMap(({ groupId }) => groupId ?? [])
    await tx.delete(notificationItems).where(inArray(notificationItems.id, idsOf(items)))
    if (groupIds.length > 0)
      await tx.delete(notificationGroups).where(inArray(notificationGroups.id, groupIds))
  }

  const idsOf = (items: Item[]) => items.map(({ id }) => id)
}
