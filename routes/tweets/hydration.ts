import type { Db, FastifyInstance, Resources, Tx } from 'birdhouse'
import type { InsertedTweet, TweetCache, TweetRow } from './cache.ts'
import { createSharedParts, type SharedPart } from './parts.ts'

export type Hydrate = ReturnType<typeof createTweetHydration>
type Shown = { id: number; originalId: number | null }
type Context = {
  viewerId?: number | undefined
  db?: Db | Tx
  /** Set when the only row is a tweet that this transaction has inserted. */
  inserted?: InsertedTweet | undefined
  /** True when the cache has been synced since the request came. */
  synced?: boolean
}

const NO_REACTIONS = { liked: false, retweeted: false }

/** The second step of reading: hydrates the selected rows, retweeted originals included. */
export function createTweetHydration(
  app: FastifyInstance,
  { rows: tweets, reactions }: TweetCache,
) {
  const { summaries } = app.users
  const { relationships } = app.graph
  const partOf = createSharedParts()

  /**
   * Returns the rows as complete tweets, in the same order, without those of deleted authors. Takes
   * a fixed number of queries, most of which the cache answers.
   */
  async function hydrate(rows: Shown[], context: Context = {}): Promise<Resources['Tweet'][]> {
    if (!context.db && !context.synced) await app.cache.sync()
    const bodies = await readBodies(rows, context)
    await app.media.fill([...bodies.values()], context.db)
    const viewing = { ...context, justCreated: context.inserted !== undefined, synced: true }
    await app.resources.fill('TweetBody', [...bodies.values()], viewing)
    const people = [...bodies.values()].flatMap(({ author, replyTo }) => [author, replyTo?.author])
    await app.resources.fill(
      'UserSummary',
      people.flatMap((one) => one ?? []),
      { ...viewing, justCreated: false },
    )
    return rows.flatMap(({ id, originalId }) => {
      const body = bodies.get(id)
      return body ? [{ ...body, retweetOf: (originalId && bodies.get(originalId)) || null }] : []
    })
  }

  async function readBodies(rows: Shown[], { viewerId, db = app.db, inserted }: Context) {
    const ids = rows.flatMap(({ id, originalId }) => (originalId ? [id, originalId] : [id]))
    const found = inserted
      ? new Map([[inserted.tweet.id, inserted.tweet]])
      : await tweets.get(ids, db)
    const parents = await tweets.get(
      [...found.values()].flatMap(({ replyToId }) => replyToId ?? []),
      db,
    )
    const shown = inserted ? parents.values() : [...found.values(), ...parents.values()]
    const authors = Array.from(shown, ({ authorId }) => authorId)
    const [people, flags, relationship] = await Promise.all([
      summaries.get(authors, db),
      viewerId === undefined || inserted ? undefined : reactions.get(viewerId, found.keys(), db),
      viewerId === undefined || parents.size === 0
        ? undefined
        : relationships.get(
            viewerId,
            new Set([...parents.values()].map((one) => one.authorId)),
            db,
          ),
    ])

    if (inserted) people.set(inserted.author.id, inserted.author)
    // Extensions may add fields that depend on the viewer.
    const personal = app.resources.hasAddedFields('UserSummary')

    function present(row: TweetRow) {
      const author = people.get(row.authorId)
      // An account may have been deleted since the ids were read.
      if (!author) return []
      const shared = partOf(row, author, row.replyToId === null ? null : replyTo(row.replyToId))
      const body = {
        ...shared,
        ...(personal && withOwnPeople(shared)),
        ...(inserted ? NO_REACTIONS : flags?.get(row.id)),
        // A job deletes the pictures of a tombstone soon.
        mediaCount: row.deleted ? 0 : row.mediaCount,
        media: [] as Resources['Media'][],
        [app.resources.SHARED]: shared,
      }
      return [[row.id, body] as const]
    }

    function replyTo(id: number) {
      const parent = parents.get(id)
      const author = parent && !parent.deleted && people.get(parent.authorId)
      const hidden = parent && relationship?.get(parent.authorId)?.blocked
      return Object.freeze({ id, deleted: !author, author: author && !hidden ? author : null })
    }

    return new Map([...found.values()].flatMap(present))
  }

  return hydrate
}

const withOwnPeople = ({ author, replyTo }: SharedPart) => ({
  author: author && { ...author },
  replyTo: replyTo && { ...replyTo, author: replyTo.author && { ...replyTo.author } },
})
