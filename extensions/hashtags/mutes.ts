import createError from '@fastify/error'
import type { FastifyInstance, PageRequest, Tx } from 'birdhouse'
import { type AnyColumn, and, count, eq, gt, inArray, type SQL, sql } from 'drizzle-orm'
import { readTag } from './parse.ts'

/** Tags that a user can mute; each is a lookup per tagged tweet of a timeline. */
const MAX = 200
/** Users for whom the cache knows whether they mute any tag. */
const PEOPLE = 20_000

export const HashtagNotFound = createError(
  'HASHTAG_NOT_FOUND',
  'This is not a hashtag; send letters, digits or emoji without spaces.',
  404,
)
const TooMany = createError(
  'TOO_MANY_MUTED_HASHTAGS',
  `You can mute at most ${MAX} hashtags; unmute a hashtag first.`,
  422,
)

/** @throws HashtagNotFound if the input is not a tag */
export function tagOf(input: string) {
  const found = readTag(input)
  if (!found) throw new HashtagNotFound()
  return found
}

export type MutedTags = FastifyInstance['tables']['hashtagMutes']

/** SQL condition: the viewer does not mute the tag in `column`. */
export const notMutedTag = (mutes: MutedTags, viewerId: number | undefined, column: AnyColumn) =>
  viewerId === undefined
    ? undefined
    : sql`NOT EXISTS (SELECT 1 FROM ${mutes} WHERE user_id = ${viewerId} AND ${mutes.tag} = ${column})`

export function createMutes(app: FastifyInstance) {
  const { hashtagMutes, hashtagTweets, tweets } = app.tables

  /** True for users who mute any tag; nearly nobody does. */
  const muting = app.cache.byId<boolean>('hashtagMutes', {
    max: PEOPLE,
    load: async (userIds, db) => {
      const rows = await readMuting(userIds, {}, db)
      return new Map(rows.map(({ userId }) => [userId, true]))
    },
  })

  const readMuting = app.prepareForIds((userIds, db) =>
    db
      .selectDistinct({ userId: hashtagMutes.userId })
      .from(hashtagMutes)
      .where(inArray(hashtagMutes.userId, userIds)),
  )

  app.tweets.addFilter(
    ({ list, viewerId }) =>
      list === 'timeline' && viewerId !== undefined ? notMuted(viewerId) : undefined,
    { applies: async (viewerId) => (await muting.get([viewerId])).has(viewerId) },
  )

  /** A retweet has the tags of its original. */
  const notMuted = (viewerId: number): SQL =>
    sql`NOT EXISTS (SELECT 1 FROM ${hashtagTweets} JOIN ${hashtagMutes}
      ON ${hashtagMutes.userId} = ${viewerId} AND ${hashtagMutes.tag} = ${hashtagTweets.tag}
      WHERE ${hashtagTweets.tweetId} = COALESCE(${tweets.retweetOfId}, ${tweets.id}))`

  /** Idempotent. @throws HashtagNotFound, UserNotFound, TooMany */
  async function mute(userId: number, input: string, outer?: Tx) {
    const { tag: shown, key: tag } = tagOf(input)
    await app.transaction(async (tx) => {
      await tx.insert(hashtagMutes).ignore().values({ userId, tag, shown })
      app.cache.invalidate(tx, 'hashtagMutes', [userId])
      await app.users.assertExist(tx, [userId])
      const own = eq(hashtagMutes.userId, userId)
      const [total] = await tx.select({ n: count() }).from(hashtagMutes).where(own)
      if (total && total.n > MAX) throw new TooMany()
    }, outer)
  }

  /** @throws HashtagNotFound */
  async function unmute(userId: number, input: string) {
    const same = and(eq(hashtagMutes.userId, userId), eq(hashtagMutes.tag, tagOf(input).key))
    await app.transaction(async (tx) => {
      await tx.delete(hashtagMutes).where(same)
      app.cache.invalidate(tx, 'hashtagMutes', [userId])
    })
  }

  /** Muted tags, latest mute first. @throws InvalidCursor */
  async function muted(userId: number, request: PageRequest) {
    const list = { name: `muted-hashtags:${userId}`, id: hashtagMutes.id }
    const { items, nextCursor } = await app.pages.read(list, request, (page) =>
      app.db
        .select()
        .from(hashtagMutes)
        .where(and(eq(hashtagMutes.userId, userId), page.where))
        .orderBy(page.orderBy)
        .limit(page.limit),
    )
    const present = items.map((row) => ({
      tag: row.shown,
      mutedAt: row.createdAt.toISOString(),
    }))
    return { items: present, nextCursor }
  }

  app.exports.add('hashtag-mutes', (userId, after, limit) =>
    app.db
      .select({
        id: hashtagMutes.id,
        tag: hashtagMutes.shown,
        createdAt: hashtagMutes.createdAt,
      })
      .from(hashtagMutes)
      .where(and(eq(hashtagMutes.userId, userId), gt(hashtagMutes.id, after)))
      .orderBy(hashtagMutes.id)
      .limit(limit),
  )

  return { mute, unmute, muted }
}
