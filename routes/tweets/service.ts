import createError from '@fastify/error'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, sql } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { createTweetCache, type TweetMetric, type TweetRow } from './cache.ts'
import { createDraftHooks, type Draft } from './drafts.ts'
import { createTweetErasure } from './erasure.ts'
import { addExports } from './exports.ts'
import { createTweetHydration } from './hydration.ts'
import { createTweetInputs } from './inputs.ts'
import { isTooLong, STORED_MAX, TWEET_MAX } from './length.ts'
import { createTweetLists } from './lists.ts'
import { createReactions, TweetNotFound } from './reactions.ts'
import { MEDIA_MAX, SHARED_WITH_ALL, Tweet, TweetBody } from './schemas.ts'
import { createThread } from './thread.ts'
import { createViewers } from './viewers.ts'
import { createVisibility } from './visibility.ts'
import { MARKS, type Row } from './visibility-rules.ts'

declare module 'fastify' {
  interface FastifyInstance {
    tweets: ReturnType<typeof createTweets>
  }
  interface EventPayloads {
    'tweet.created': { tweetId: number; authorId: number; replyToId?: number; retweetOfId?: number }
    'tweet.deleted': { tweetId: number; authorId: number; retweetOfId?: number }
    'tweet.liked': { tweetId: number; userId: number }
    'tweet.unliked': { tweetId: number; userId: number }
  }
  interface CacheTopics {
    tweet: 'tweet'
    written: 'tweet'
    reactions: 'user'
  }
  interface JobPayloads {
    'tweets.clearUp': { tweetId: number }
  }
}

const TooManyMedia = createError(
  'TOO_MANY_MEDIA',
  `A tweet has at most ${MEDIA_MAX} pictures.`,
  400,
)
const UserNotFound = createError('USER_NOT_FOUND', 'This account has been deleted.', 404)
const NotYourTweet = createError('NOT_YOUR_TWEET', 'Only the author can delete a tweet.', 403)

function createTweets(app: FastifyInstance) {
  const { tweets } = app.tables
  const metrics: TweetMetric[] = ['likes', 'retweets', 'replies']
  const counts = app.createCounter('tweet', metrics, (tx, ids) =>
    app.cache.invalidate(tx, 'tweet', ids),
  )
  const cache = createTweetCache(app, counts)
  const visibility = createVisibility(app)
  const { hydrate, existing } = createTweetHydration(app, cache)
  const drafts = createDraftHooks(app)
  const inputs = createTweetInputs(app)
  const { removeRetweet, ...reactions } = createReactions(app, counts, cache, visibility)
  const { originalOf } = reactions

  app.cache.invalidateOn('tweet', {
    'tweet.created': ({ tweetId }) => [tweetId],
    'tweet.deleted': ({ tweetId }) => [tweetId],
  })
  // Declared last: whoever learns of the tweet has evicted the value that it does not exist.
  app.cache.invalidateOn('written', { 'tweet.created': ({ tweetId }) => [tweetId] })

  /** @throws what `prepare` and `write` throw */
  const create = async (draft: Draft, outer?: Tx) => write(await prepare(draft), outer)

  /** Returns the draft as it will be written: cleaned, and passed by every `beforeCreate` hook. */
  async function prepare(draft: Draft) {
    const passed = await drafts.pass({ ...draft, text: clean(draft) })
    return { ...passed, text: clean(passed) }
  }

  /**
   * Writes a prepared draft. @throws TweetNotFound if the parent has been deleted or is hidden from
   * the author, UserNotFound, TooManyMedia, and what `app.media.attach` and inputs throw
   */
  async function write(draft: Draft, outer?: Tx) {
    const { authorId, text, language = null, replyToId, mediaIds = [] } = draft
    if (mediaIds.length > MEDIA_MAX) throw new TooManyMedia()
    return app.transaction(async (tx) => {
      const parentId = replyToId && (await originalOf(tx, replyToId, authorId))
      const reply = parentId ? { replyToId: parentId } : {}
      const mediaCount = mediaIds.length
      const row = { authorId, text, language, mediaCount, replyToId: parentId ?? null }
      const [, inserted] = await app
        .batch(
          tx,
          (db) => insert(row, db),
          (db) => cache.readInserted(db, row),
        )
        .catch((error) => {
          throw app.errors.isMissingParent(error) ? new UserNotFound() : error
        })
      // The insert's foreign key locks the account, so this read is final.
      if (!inserted) throw new UserNotFound()
      const tweetId = inserted.tweet.id
      await app.media.attach(tx, { tweetId, ownerId: authorId, mediaIds })
      await inputs.write(tx, tweetId, draft)
      await app.users.counts.add(tx, new Map([[authorId, { tweets: 1 }]]))
      if (parentId) await reactions.countReply(tx, parentId, 1)
      await app.events.emit(tx, 'tweet.created', { tweetId, authorId, ...reply }, { text })
      const [tweet] = await hydrate([rowOf(inserted.tweet)], {
        viewerId: authorId,
        db: tx,
        inserted,
      })
      if (!tweet) throw new TweetNotFound(tweetId)
      return tweet
    }, outer)
  }

  const insert = app.prepareQuery((db) =>
    db.insert(tweets).values({
      authorId: app.placeholder('authorId'),
      text: sql.placeholder('text'),
      language: sql.placeholder('language'),
      mediaCount: app.placeholder('mediaCount'),
      replyToId: app.placeholder('replyToId'),
    }),
  )

  function clean({ text: sent, mediaIds = [] }: Draft) {
    const limits = { field: 'text', min: mediaIds.length > 0 ? 0 : 1, max: STORED_MAX }
    const text = app.cleanText(sent, limits)
    if (isTooLong(text))
      throw app.errors.invalidField('text', `must not have more than ${TWEET_MAX} characters`)
    return text
  }

  /** A tweet, or the tombstone of a deleted one. @throws TweetNotFound */
  async function get(id: number, viewerId?: number, db: Db | Tx = app.db) {
    const tweet = (await byIds([id], viewerId, db)).get(id)
    if (!tweet) throw new TweetNotFound(id)
    return tweet
  }

  /** The tweets of these ids that the viewer may see, tombstones included. */
  async function byIds(ids: number[], viewerId?: number, db: Db | Tx = app.db) {
    const tweets = await hydrate(await rowsOf(ids, viewerId, db), { viewerId, db })
    return new Map(tweets.map((tweet) => [tweet.id, tweet]))
  }

  /** These tweets without a viewer, for readers whom `app.timeline.readersOf` has returned for them. */
  async function forReaders(ids: number[]) {
    const rows = await rowsOf(ids, undefined, app.db)
    const tweets = await hydrate(rows, { mayBeSeen: true })
    return new Map(tweets.map((tweet) => [tweet.id, tweet]))
  }

  async function rowsOf(ids: number[], viewerId: number | undefined, db: Db | Tx) {
    const loading = async () => {
      if (db === app.db) await app.cache.sync()
      return cache.rows.get(ids, db)
    }
    // Everyone may see a tweet that exists and whose author is not limited; hydration checks that.
    if (viewerId === undefined) {
      const found = await loading()
      const originalIds = [...found.values()].flatMap(({ originalId }) => originalId ?? [])
      const originals = await cache.rows.get(originalIds, db)
      return Array.from(found.values(), (tweet) => rowOf(tweet, originals))
    }
    const [rows] = await Promise.all([visibility.visibleById(ids, { viewerId }, db), loading()])
    return rows
  }

  /** The tweet whose replies and likes a list shows, the original of a retweet. @throws TweetNotFound */
  async function listedId(id: number, viewerId?: number) {
    const [row] = await visibility.visible({ viewerId, where: eq(tweets.id, id), unmarked: true })
    if (!row) throw new TweetNotFound(id)
    return row.originalId ?? id
  }

  /**
   * Deletes a tweet and leaves a tombstone without text; a retweet leaves none. A job deletes the
   * tweet's likes and retweets. @throws TweetNotFound, NotYourTweet
   */
  async function remove(id: number, userId: number, outer?: Tx) {
    await app.transaction(async (tx) => {
      const where = and(eq(tweets.id, id), visibility.notDeleted)
      const [row] = await tx.select().from(tweets).where(where).for('update')
      if (!row) throw new TweetNotFound(id)
      if (row.authorId !== userId) {
        await originalOf(tx, id, userId)
        throw new NotYourTweet()
      }
      if (row.retweetOfId) return removeRetweet(tx, row.retweetOfId, userId)
      await tx
        .update(tweets)
        .set({ text: null, language: null, deletedAt: sql`NOW(3)` })
        .where(where)
      await app.users.counts.add(tx, new Map([[userId, { tweets: -1 }]]))
      if (row.replyToId) await reactions.countReply(tx, row.replyToId, -1)
      const details = { text: row.text ?? '' }
      await app.events.emit(tx, 'tweet.deleted', { tweetId: id, authorId: userId }, details)
    }, outer)
  }

  /** Corrects a tweet of which a picture was deleted. A tweet without text and pictures is deleted. */
  async function forgetPicture(tx: Tx, id: number, authorId: number) {
    const where = and(eq(tweets.id, id), visibility.notDeleted)
    const [row] = await tx.select().from(tweets).where(where).for('update')
    if (!row) return
    if (row.mediaCount <= 1 && row.text === '') return remove(id, authorId, tx)
    const mediaCount = sql`GREATEST(${tweets.mediaCount} - 1, 0)`
    await tx.update(tweets).set({ mediaCount }).where(where)
    app.cache.invalidate(tx, 'tweet', [id])
  }

  return {
    maxLength: TWEET_MAX,
    isTooLong,
    create,
    prepare,
    write,
    beforeCreate: drafts.add,
    addInput: inputs.add,
    /** The schema of a new tweet with the inputs of extensions. */
    bodySchema: inputs.bodySchema,
    get,
    byIds,
    forReaders,
    listedId,
    remove,
    forgetPicture,
    ...reactions,
    counts,
    visibility,
    hydrate,
    existing,
    MARKS,
    /** Cached rows by id, tombstones included, as of the last sync of the cache. */
    cached: (ids: number[]) => cache.rows.get(ids),
    addFilter: visibility.addFilter,
    viewersOf: createViewers(app, visibility),
    ...createTweetLists(app, visibility, hydrate),
    ...createThread(app, byIds),
  }
}

type Known = Pick<TweetRow, 'id' | 'originalId' | 'replyToId'>

/** The row of a tweet without a viewer. */
const rowOf = ({ id, originalId, replyToId }: Known, originals?: Map<number, Known>): Row => ({
  id,
  originalId,
  parentId: replyToId ?? originals?.get(originalId ?? 0)?.replyToId ?? null,
  marks: 0,
})

export default fp(
  async (app) => {
    app.resources.define(TweetBody, { shared: SHARED_WITH_ALL })
    app.resources.define(Tweet, { shared: SHARED_WITH_ALL })
    app.decorate('tweets', createTweets(app))
    addExports(app)
    createTweetErasure(app)
  },
  { name: 'tweets.service', dependencies: ['users.service', 'graph.service', 'media.service'] },
)
