import type { FastifyInstance, FastifyPluginAsyncTypebox } from 'birdhouse'
import { and, eq } from 'drizzle-orm'
import { Type } from 'typebox'
import { IdParams, idIn, sendStatus } from '../answers.ts'
import { Unsupported } from '../errors.ts'

/** A boost may name who sees it. */
const Body = Type.Object({ visibility: Type.Optional(Type.String()) })

/** Likes, boosts and bookmarks, and back. */
const reactions: FastifyPluginAsyncTypebox = async (app) => {
  const bookmarks = app.optional('bookmarks')
  /** Returns a number for the id of another status to show. */
  type Act = (id: number, userId: number) => Promise<unknown>

  /** Acts on a status and answers it as it is then. */
  function add(name: string, scope: string, act: Act) {
    app.post(
      `/api/v1/statuses/:id/${name}`,
      { config: { scope }, schema: { params: IdParams, body: Body } },
      async (request) => {
        const id = idIn(request.params)
        const { visibility } = Object(request.body)
        if (visibility && visibility !== 'public')
          throw new Unsupported('Everyone sees boosts here: only public ones are supported.')
        const shown = await act(id, request.viewer.userId)
        return sendStatus(app, request, typeof shown === 'number' ? shown : id)
      },
    )
  }

  add('favourite', 'write:favourites', (...of) => app.tweets.like(...of))
  add('unfavourite', 'write:favourites', (...of) => app.tweets.unlike(...of))
  add('reblog', 'write:statuses', async (id, userId) => {
    await app.tweets.retweet(id, userId)
    return retweetOf(app, id, userId)
  })
  add('unreblog', 'write:statuses', async (id, userId) => {
    const originalId = await originalOf(app, id)
    await app.tweets.undoRetweet(id, userId)
    return originalId
  })
  if (!bookmarks) return
  add('bookmark', 'write:bookmarks', (id, userId) => bookmarks.add(userId, id))
  add('unbookmark', 'write:bookmarks', (id, userId) => bookmarks.remove(userId, id))
}

/** The row of the user's retweet, which clients show as a status of its own. */
async function retweetOf(app: FastifyInstance, id: number, userId: number) {
  const { tweets } = app.tables
  const originalId = await originalOf(app, id)
  const [row] = await app.db
    .select({ id: tweets.id })
    .from(tweets)
    .where(and(eq(tweets.retweetOfId, originalId), eq(tweets.authorId, userId)))
  return row?.id
}

async function originalOf(app: FastifyInstance, id: number) {
  const { tweets } = app.tables
  const [row] = await app.db
    .select({ original: tweets.retweetOfId })
    .from(tweets)
    .where(eq(tweets.id, id))
  return row?.original ?? id
}

export default reactions
