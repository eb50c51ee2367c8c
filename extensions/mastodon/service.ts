import type { FastifyInstance } from 'birdhouse'
import { eq } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { createAuthors } from './authors.ts'
import { createApps } from './oauth/apps.ts'
import { createCodes } from './oauth/codes.ts'
import { createTokens } from './oauth/tokens.ts'
import { createProfiles } from './profiles.ts'
import type {} from './tables.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mastodon: ReturnType<typeof createMastodon>
  }
  interface JobPayloads {
    'mastodon.purge': object
  }
}

/** Seconds. */
const PURGE_EVERY = 3600

const createMastodon = (app: FastifyInstance) => ({
  accounts: createAuthors(app),
  apps: createApps(app),
  codes: createCodes(app),
  profiles: createProfiles(app),
  tokens: createTokens(app),
})

async function service(app: FastifyInstance) {
  app.decorate('mastodon', createMastodon(app))
  const { apps, codes, profiles, tokens } = app.mastodon
  app.exports.add('mastodon-profile', profiles.exported)
  const { mastodonMarkers: markers } = app.tables
  app.exports.add('mastodon-markers', (userId) =>
    app.db
      .select({
        timeline: markers.timeline,
        lastReadId: markers.lastReadId,
        updatedAt: markers.updatedAt,
      })
      .from(markers)
      .where(eq(markers.userId, userId)),
  )
  const { mastodonDismissals: dismissals } = app.tables
  app.exports.add('mastodon-dismissals', (userId) =>
    app.db
      .select({ accountId: dismissals.accountId })
      .from(dismissals)
      .where(eq(dismissals.userId, userId)),
  )
  app.jobs.every('mastodon.purge', PURGE_EVERY, async () => {
    await codes.purge()
    await tokens.purge()
    await apps.purge()
  })
}

export default fp(service, {
  name: 'mastodon.service',
  dependencies: [
    'auth.service',
    'moderation.service',
    'sign-up.service',
    'timeline.service',
    'web.service',
  ],
  optional: ['bookmarks.service', 'hashtags.service', 'live.service', 'notifications.service'],
})
