import createError from '@fastify/error'
import type { Db, FastifyInstance, Resources, Tx } from 'birdhouse'
import { and, eq, inArray, isNull } from 'drizzle-orm'
import { MediaNotFound } from './library.ts'
import { columnsOf, present, type Row } from './present.ts'

const MediaInUse = createError('MEDIA_IN_USE', 'Picture %s is already in a tweet.', 409)

type Filled = { id: number; mediaCount: number; media: Resources['Media'][] }
type Attachment = { tweetId: number; ownerId: number; mediaIds: number[] }

export function createTweetMedia(app: FastifyInstance) {
  const { media } = app.tables

  /** Attaches pictures of the owner that are in no tweet. @throws MediaNotFound, MediaInUse */
  async function attach(tx: Tx, { tweetId, ownerId, mediaIds }: Attachment) {
    const places = mediaIds.map((id, position) => ({ id, position }))
    // Sorted, so that concurrent transactions cannot deadlock.
    for (const { id, position } of places.sort((a, b) => a.id - b.id)) {
      const own = and(eq(media.id, id), eq(media.ownerId, ownerId))
      const [result] = await tx
        .update(media)
        .set({ tweetId, position })
        .where(and(own, isNull(media.tweetId)))
      if (result.affectedRows === 1) continue
      const [row] = await tx.select({ id: media.id }).from(media).where(own)
      throw row ? new MediaInUse(id) : new MediaNotFound(id)
    }
  }

  /** Maps each tweet that has pictures to its pictures in order, with one query. */
  async function ofTweets(tweetIds: number[], db: Db | Tx = app.db) {
    if (tweetIds.length === 0) return new Map<number, ReturnType<typeof shown>[]>()
    const rows = await read(tweetIds, {}, db)
    const inOrder = rows.toSorted((a, b) => a.position - b.position)
    const byTweet = Map.groupBy(inOrder, ({ tweetId }) => tweetId ?? 0)
    return new Map([...byTweet].map(([id, all]) => [id, all.map(shown)]))
  }

  /** Sets `media` of tweets; queries only tweets that have pictures. */
  async function fill(tweets: Filled[], db?: Db | Tx) {
    const having = tweets.filter(({ mediaCount }) => mediaCount > 0)
    const byTweet = await ofTweets(
      having.map(({ id }) => id),
      db,
    )
    for (const tweet of having) tweet.media = byTweet.get(tweet.id) ?? []
  }

  const read = app.prepareForIds((ids, db) =>
    db
      .select({ ...columnsOf(app), tweetId: media.tweetId, position: media.position })
      .from(media)
      .where(inArray(media.tweetId, ids)),
  )
  const shown = (row: Row) => present(app, row)

  return { attach, ofTweets, fill }
}
