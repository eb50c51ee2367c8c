import createError from '@fastify/error'
import { and, eq, inArray, isNull } from 'drizzle-orm'
import type { FastifyInstance, Resources } from 'fastify'
import type { Db, Tx } from '../../plugins/db/client.ts'
import { MediaNotFound } from './library.ts'
import { columnsOf, present, type Row } from './present.ts'

/** Pictures a tweet may have. */
const MOST = 4

const MediaInUse = createError('MEDIA_IN_USE', 'The picture %s is in a tweet already.', 409)
const TooManyMedia = createError('TOO_MANY_MEDIA', `A tweet has at most ${MOST} pictures.`, 400)

type Filled = { id: number; mediaCount: number; media: Resources['Media'][] }
type Attachment = { tweetId: number; ownerId: number; mediaIds: number[] }

/** The pictures of tweets. */
export function createTweetMedia(app: FastifyInstance) {
  const { media } = app.tables

  /**
   * Puts pictures into a tweet, in the transaction that writes it: each is its owner's and in no
   * other tweet. @throws MediaNotFound, MediaInUse, TooManyMedia
   */
  async function attach(tx: Tx, { tweetId, ownerId, mediaIds }: Attachment) {
    if (mediaIds.length > MOST) throw new TooManyMedia()
    const places = mediaIds.map((id, position) => ({ id, position }))
    // In one order for all, so that no two wait for each other.
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

  /** The pictures of each of these tweets that has some, in order, with one query. */
  async function ofTweets(tweetIds: number[], db: Db | Tx = app.db) {
    if (tweetIds.length === 0) return new Map<number, ReturnType<typeof shown>[]>()
    const rows = await read(tweetIds, {}, db)
    const inOrder = rows.toSorted((a, b) => a.position - b.position)
    const byTweet = Map.groupBy(inOrder, ({ tweetId }) => tweetId ?? 0)
    return new Map([...byTweet].map(([id, all]) => [id, all.map(shown)]))
  }

  /** Fills the pictures into tweets as they are read; asks only for those that have some. */
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
