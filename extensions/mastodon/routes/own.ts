import type { FastifyInstance, FastifyPluginAsyncTypebox } from 'birdhouse'
import { eq, sql } from 'drizzle-orm'
import { Type } from 'typebox'
import { toId } from '../paging.ts'

const TIMELINES = ['home', 'notifications'] as const

/** Markers and preferences that an app keeps for a person. */
const own: FastifyPluginAsyncTypebox = async (app) => {
  const markers = createMarkers(app)

  app.get(
    '/api/v1/markers',
    {
      config: { scope: 'read:statuses' },
      schema: {
        querystring: Type.Object({ timeline: Type.Optional(Type.Array(Type.String())) }),
      },
    },
    async ({ query, viewer }) => markers.read(viewer.userId, query.timeline ?? []),
  )

  app.post('/api/v1/markers', { config: { scope: 'write:statuses' } }, async (request) => {
    const { userId } = request.viewer
    const sent = Object(request.body)
    for (const timeline of TIMELINES) {
      // JSON has an object, a form a name such as `home[last_read_id]`.
      const id = sent[timeline]?.last_read_id ?? sent[`${timeline}[last_read_id]`]
      if (toId(String(id)) !== undefined) await markers.set(userId, timeline, String(id))
    }
    return markers.read(userId, TIMELINES)
  })

  app.get('/api/v1/preferences', { config: { scope: 'read:accounts' } }, async ({ viewer }) => ({
    'posting:default:visibility': 'public',
    'posting:default:sensitive': false,
    'posting:default:language': (await app.mastodon.profiles.of(viewer.userId)).language,
    'reading:expand:media': 'default',
    'reading:expand:spoilers': false,
    'reading:autoplay:gifs': false,
  }))
}

function createMarkers(app: FastifyInstance) {
  const { mastodonMarkers: table } = app.tables
  const notifications = app.optional('notifications')

  async function read(userId: number, timelines: readonly string[]) {
    const rows = await app.db.select().from(table).where(eq(table.userId, userId))
    const wanted = rows.filter(({ timeline }) => timelines.includes(timeline))
    return Object.fromEntries(
      wanted.map(({ timeline, lastReadId, version, updatedAt }) => [
        timeline,
        { last_read_id: lastReadId, version, updated_at: updatedAt.toISOString() },
      ]),
    )
  }

  async function set(userId: number, timeline: string, lastReadId: string) {
    const row = { lastReadId, updatedAt: sql`NOW(3)` }
    await app.db
      .insert(table)
      .values({ userId, timeline, ...row })
      .onDuplicateKeyUpdate({ set: { ...row, version: sql`${table.version} + 1` } })
    // So that every client shows the same number of unread notifications.
    if (timeline === 'notifications') await notifications?.markRead(userId, Number(lastReadId))
  }

  return { read, set }
}

export default own
