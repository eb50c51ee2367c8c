import type { FastifyInstance, Resources } from 'fastify'
import type { createCounter } from '../../db/counter.ts'
import type { Db, Tx } from '../../plugins/db.ts'
import { SHARED } from '../../plugins/serialization/pages.ts'
import type { TweetMemory, TweetRow, Written } from './memory.ts'
import { createSharedParts, type SharedPart } from './parts.ts'

export type TweetMetric = 'likes' | 'retweets' | 'replies'
export type TweetCounts = ReturnType<typeof createCounter<TweetMetric>>
type Shown = { id: number; originalId: number | null }
type Context = {
  viewerId?: number | undefined
  db?: Db | Tx
  /** What the viewer has written in this very transaction. */
  written?: Written | undefined
}

const NO_REACTIONS = { liked: false, retweeted: false }

/** The second step of reading: fills the selected rows in, retweeted originals included. */
export function createTweetBodies(app: FastifyInstance, { tweets, reactions }: TweetMemory) {
  const { summaries } = app.users
  const { standings } = app.graph
  const partOf = createSharedParts()

  /** Fills rows in with a fixed number of queries, of which most are answered from memory. */
  async function hydrate(rows: Shown[], viewerId?: number) {
    await app.cache.fresh()
    return fill(rows, { viewerId })
  }

  /** As `hydrate`, for who has asked for `fresh` since the request came. Keeps the order. */
  async function fill(rows: Shown[], context: Context) {
    const bodies = await readBodies(rows, context)
    await app.media.fill([...bodies.values()], context.db)
    const viewing = { ...context, written: context.written !== undefined, fresh: true }
    await app.resources.fill('TweetBody', [...bodies.values()], viewing)
    const people = [...bodies.values()].flatMap(({ author, replyTo }) => [author, replyTo?.author])
    await app.resources.fill(
      'UserSummary',
      people.flatMap((one) => one ?? []),
      { ...viewing, written: false },
    )
    return rows.flatMap(({ id, originalId }) => {
      const body = bodies.get(id)
      return body ? [{ ...body, retweetOf: (originalId && bodies.get(originalId)) || null }] : []
    })
  }

  async function readBodies(rows: Shown[], { viewerId, db = app.db, written }: Context) {
    const ids = rows.flatMap(({ id, originalId }) => (originalId ? [id, originalId] : [id]))
    const found = written ? new Map([[written.tweet.id, written.tweet]]) : await tweets.get(ids, db)
    const parents = await tweets.get(
      [...found.values()].flatMap(({ replyToId }) => replyToId ?? []),
      db,
    )
    const shown = written ? parents.values() : [...found.values(), ...parents.values()]
    const authors = Array.from(shown, ({ authorId }) => authorId)
    const [people, flags, standing] = await Promise.all([
      summaries.get(authors, db),
      viewerId === undefined || written ? undefined : reactions.get(viewerId, found.keys(), db),
      viewerId === undefined || parents.size === 0
        ? undefined
        : standings.get(viewerId, new Set([...parents.values()].map((one) => one.authorId)), db),
    ])

    if (written) people.set(written.author.id, written.author)
    // Who looks may see fields in them that others don't.
    const personal = app.resources.hasAddedFields('UserSummary')

    function present(row: TweetRow) {
      const author = people.get(row.authorId)
      // An account may have been deleted since the ids were read.
      if (!author) return []
      const shared = partOf(row, author, row.replyToId === null ? null : replyTo(row.replyToId))
      const body = {
        ...shared,
        ...(personal && withOwnPeople(shared)),
        ...(written ? NO_REACTIONS : flags?.get(row.id)),
        // A tombstone's own are removed by a job, soon.
        mediaCount: row.deleted ? 0 : row.mediaCount,
        media: [] as Resources['Media'][],
        [SHARED]: shared,
      }
      return [[row.id, body] as const]
    }

    function replyTo(id: number) {
      const parent = parents.get(id)
      const author = parent && !parent.deleted && people.get(parent.authorId)
      const hidden = parent && standing?.get(parent.authorId)?.blocked
      return Object.freeze({ id, deleted: !author, author: author && !hidden ? author : null })
    }

    return new Map([...found.values()].flatMap(present))
  }

  return { hydrate, fill }
}

const withOwnPeople = ({ author, replyTo }: SharedPart) => ({
  author: author && { ...author },
  replyTo: replyTo && { ...replyTo, author: replyTo.author && { ...replyTo.author } },
})
