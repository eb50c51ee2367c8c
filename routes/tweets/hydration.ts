import type { Db, FastifyInstance, Resources, Tx } from 'birdhouse'
import type { InsertedTweet, TweetCache, TweetRow } from './cache.ts'
import { createSharedParts, type SharedPart } from './parts.ts'
import { MARKS, type Row } from './visibility-rules.ts'

export type Hydrate = ReturnType<typeof createTweetHydration>
type Context = {
  viewerId?: number | undefined
  db?: Db | Tx
  /** Set when the only row is a tweet that this transaction has inserted. */
  inserted?: InsertedTweet | undefined
  loaded?: Loaded | undefined
  /** True without a viewer where the readers may see these tweets, of limited authors as well. */
  mayBeSeen?: boolean
}
type Found = Map<number, TweetRow>
type People = Map<number, Resources['UserSummary']>
/** Tweets and authors that a request has loaded, so that a process without caches loads nothing twice. */
export type Loaded = { found: Found; people: People }

const REACTIONS = Array.from({ length: 4 }, (_, marks) => ({
  liked: (marks & MARKS.liked) > 0,
  retweeted: (marks & MARKS.retweeted) > 0,
}))

/** The second step of reading: hydrates the selected rows, retweeted originals included. */
export function createTweetHydration(app: FastifyInstance, cache: TweetCache) {
  const { summaries } = app.users
  const partOf = createSharedParts()

  /**
   * Returns the rows as complete tweets, in the same order, without those of deleted and suspended authors and
   * retweets of deleted tweets; without a viewer also without those of limited authors. Values are as of the last sync of the cache.
   */
  async function hydrate(rows: Row[], context: Context = {}): Promise<Resources['Tweet'][]> {
    const { viewerId, inserted, mayBeSeen, db = app.db } = context
    const { found, people } = await load(rows, db, context)
    const isLimited = ({ id, originalId }: Row) =>
      limitedAuthor(id, found, people) ?? limitedAuthor(originalId, found, people)
    const open = viewerId === undefined && !mayBeSeen ? rows.filter((row) => !isLimited(row)) : rows
    const tweets = open.flatMap((row) => compose(row, found, people, viewerId))
    const bodies = tweets.flatMap(({ body, original }) => (original ? [body, original] : [body]))
    await app.media.fill(bodies, context.db)
    const viewing = { viewerId, db, justCreated: inserted !== undefined, synced: true }
    await app.resources.fill('TweetBody', bodies, viewing)
    const shown = bodies.flatMap(({ author, replyTo }) => [author ?? [], replyTo?.author ?? []])
    await app.resources.fill('UserSummary', shown.flat(), { ...viewing, justCreated: false })
    return tweets.map(({ body, original }) => Object.assign(body, { retweetOf: original }))
  }

  /** The author of the tweet, if the author is limited. */
  function limitedAuthor(id: number | null, found: Found, people: People) {
    const tweet = id === null ? undefined : found.get(id)
    const author = tweet && people.get(tweet.authorId)
    return author && app.users.isLimited(author) ? author.id : undefined
  }

  /** The tweets that the rows refer to and all authors, mostly from the cache, otherwise one query. */
  async function load(
    rows: Row[],
    db: Db | Tx,
    { inserted, loaded }: Context = {},
  ): Promise<Loaded> {
    const found: Found = new Map(loaded?.found)
    const people: People = new Map(loaded?.people)
    if (inserted) {
      found.set(inserted.tweet.id, inserted.tweet)
      people.set(inserted.author.id, inserted.author)
    }
    const missing = new Set<number>()
    for (const { id, originalId, parentId } of rows)
      for (const one of [id, originalId, parentId])
        if (one !== null && !found.has(one)) missing.add(one)
    if (missing.size === 0) return { found, people }
    for (const [id, tweet] of await cache.rows.get(missing, db)) found.set(id, tweet)
    const authorIds = new Set<number>()
    for (const { authorId } of found.values()) if (!people.has(authorId)) authorIds.add(authorId)
    for (const [id, person] of await summaries.get(authorIds, db)) people.set(id, person)
    return { found, people }
  }

  function compose({ id, originalId, ...row }: Row, found: Found, people: People, viewer?: number) {
    const present = (id: number | null) => {
      const tweet = id === null ? undefined : found.get(id)
      const author = tweet && people.get(tweet.authorId)
      return author && { tweet, author }
    }
    const one = present(id)
    const original = present(originalId)
    if (!one || (originalId !== null && (!original || original.tweet.deleted))) return []
    const marks = viewer === undefined ? undefined : row.marks
    const outer = original && marks !== undefined ? 0 : marks
    const body = (of: NonNullable<typeof one>, marks: number | undefined) =>
      bodyOf(of.tweet, of.author, replyTo(of.tweet.replyToId), marks)
    return [{ body: body(one, outer), original: original ? body(original, marks) : null }]

    function replyTo(id: number | null) {
      if (id === null) return null
      const parent = present(id)
      const author = parent && !parent.tweet.deleted ? parent.author : undefined
      const hidden = row.marks & MARKS.parentHidden
      return Object.freeze({ id, deleted: !author, author: author && !hidden ? author : null })
    }
  }

  function bodyOf(
    row: TweetRow,
    author: Resources['UserSummary'],
    replyTo: SharedPart['replyTo'],
    marks: number | undefined,
  ) {
    const shared = partOf(row, author, replyTo)
    return {
      ...shared,
      // Extensions may add fields that depend on the viewer.
      ...(app.resources.hasAddedFields('UserSummary') && withOwnPeople(shared)),
      ...(marks !== undefined && REACTIONS[marks & (MARKS.liked | MARKS.retweeted)]),
      // A job deletes the pictures of a tombstone soon.
      mediaCount: row.deleted ? 0 : row.mediaCount,
      media: [] as Resources['Media'][],
      [app.resources.SHARED]: shared,
    }
  }

  /**
   * Rows of a home timeline whose tweets, originals and authors still exist, as of the last sync of the cache,
   * without suspended authors, and without retweets of limited authors whom the reader does not follow.
   */
  async function existing(rows: Row[], readerId: number, loaded: Loaded) {
    const isCached = (id: number) => {
      const tweet = cache.rows.peek(id)
      const author = tweet && !tweet.deleted && summaries.peek(tweet.authorId)
      return author && !app.users.isLimited(author)
    }
    if (rows.every(({ id, originalId }) => isCached(id) && (!originalId || isCached(originalId))))
      return rows
    const { found, people } = await load(rows, app.db)
    for (const [id, tweet] of found) loaded.found.set(id, tweet)
    for (const [id, person] of people) loaded.people.set(id, person)
    const exists = (id: number) => {
      const tweet = found.get(id)
      return tweet && !tweet.deleted && people.has(tweet.authorId)
    }
    const there = rows.filter(
      ({ id, originalId }) => exists(id) && (!originalId || exists(originalId)),
    )
    const limited = (row: Row) => limitedAuthor(row.originalId, found, people)
    const authorIds = new Set(there.flatMap((row) => limited(row) ?? []))
    if (authorIds.size === 0) return there
    const followed = await app.graph.followedAmong(readerId, [...authorIds])
    const isSeen = (authorId: number | undefined) =>
      authorId === undefined || authorId === readerId || followed.has(authorId)
    return there.filter((row) => isSeen(limited(row)))
  }

  return { hydrate, existing }
}

const withOwnPeople = ({ author, replyTo }: SharedPart) => ({
  author: author && { ...author },
  replyTo: replyTo && { ...replyTo, author: replyTo.author && { ...replyTo.author } },
})
