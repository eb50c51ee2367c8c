import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, inArray, isNull } from 'drizzle-orm'
import { type Static, Type } from 'typebox'
import { type Mention, parse } from './parse.ts'

declare module 'fastify' {
  interface TweetFields {
    entities?: Static<typeof Entities>
  }
}

const Offset = (which: string) =>
  Type.Integer({ description: `${which}, counted in Unicode code points.`, examples: [6] })
const span = {
  start: Offset('Start in the text, sign included'),
  end: Offset('End in the text, exclusive'),
}

const Entities = Type.Object(
  {
    hashtags: Type.Array(
      Type.Object({
        tag: Type.String({ description: 'As written in the text.', examples: ['새'] }),
        ...span,
      }),
    ),
    mentions: Type.Array(
      Type.Object({
        userId: Type.Integer({ examples: [42] }),
        handle: Type.String({
          description: 'The current handle; the text may have an earlier handle.',
          examples: ['hong'],
        }),
        ...span,
      }),
    ),
  },
  {
    description:
      'Parts of the text to show as links. Mentions of deleted accounts and of accounts behind a block are left out.',
  },
)

/** The account that a mention links to; null if there is none that the viewer may see. */
type Person = { id: number; handle: string | null } | null
/** A tombstone and a retweet have no text. */
type Text = { id: number; text?: string | null }
/** By tweet, then by handle. */
type People = Map<number, Map<string, Person>>

/** Adds `entities` to tweets, with at most two queries a page. */
export function addEntities(app: FastifyInstance) {
  const { hashtagMentions, users } = app.tables
  const person = { id: users.id, handle: users.handle }
  type Context = { viewerId?: number | undefined; db: Db | Tx }

  app.resources.addField(['TweetBody', 'Tweet'], 'entities', {
    schema: Type.Optional(Entities),
    read,
  })

  async function read(_ids: number[], context: Context & { items: readonly Text[] }) {
    const parsed = context.items.flatMap(({ id, text }) => (text ? [{ id, ...parse(text) }] : []))
    const mentioning = parsed.filter(({ mentions }) => mentions.length > 0)
    const known = await readIndexed(mentioning, context)
    const handles = mentioning.flatMap(({ id, mentions }) =>
      mentions.filter(({ handle }) => !known.get(id)?.has(handle)).map(({ handle }) => handle),
    )
    const guessed = await resolve(handles, context)
    return new Map(
      parsed.map(({ id, hashtags, mentions }) => {
        const found = mentions.flatMap((mention) => {
          const ofTweet = known.get(id)
          const { handle } = mention
          return link(mention, ofTweet?.has(handle) ? ofTweet.get(handle) : guessed.get(handle))
        })
        return [id, { hashtags: hashtags.map(({ key: _, ...shown }) => shown), mentions: found }]
      }),
    )
  }

  const link = ({ start, end }: Mention, to: Person | undefined) =>
    to?.handle ? [{ userId: to.id, handle: to.handle, start, end }] : []

  async function readIndexed(mentioning: { id: number }[], { viewerId, db }: Context) {
    const known: People = new Map()
    if (mentioning.length === 0) return known
    const ids = mentioning.map(({ id }) => id)
    const linked = and(eq(users.id, hashtagMentions.userId), visible(viewerId))
    const rows = await db
      .select({ tweetId: hashtagMentions.tweetId, written: hashtagMentions.handle, to: person })
      .from(hashtagMentions)
      .leftJoin(users, linked)
      .where(inArray(hashtagMentions.tweetId, ids))
    for (const { tweetId, written, to } of rows) {
      const ofTweet = known.get(tweetId) ?? new Map<string, Person>()
      known.set(tweetId, ofTweet.set(written, to))
    }
    return known
  }

  /** For tweets that are not indexed yet; their job will find the same accounts. */
  async function resolve(handles: string[], { viewerId, db }: Context) {
    if (handles.length === 0) return new Map<string | null, Person>()
    const rows = await db
      .select(person)
      .from(users)
      .where(and(inArray(users.handle, [...new Set(handles)]), visible(viewerId)))
    return new Map(rows.map((row) => [row.handle, row]))
  }

  const visible = (viewerId: number | undefined) =>
    and(isNull(users.hiddenAt), app.graph.notBlocked(viewerId, users.id))
}
