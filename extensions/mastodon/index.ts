import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import authorize from './oauth/authorize.ts'
import token from './oauth/token.ts'
import accountStatuses from './routes/account-statuses.ts'
import accounts from './routes/accounts.ts'
import empty from './routes/empty.ts'
import groupedNotifications from './routes/grouped-notifications.ts'
import instance from './routes/instance.ts'
import media from './routes/media.ts'
import notifications from './routes/notifications.ts'
import own from './routes/own.ts'
import pictures from './routes/pictures.ts'
import profile from './routes/profile.ts'
import reactions from './routes/reactions.ts'
import refused from './routes/refused.ts'
import relations from './routes/relations.ts'
import reports from './routes/reports.ts'
import search, { trends } from './routes/search.ts'
import statuses from './routes/statuses.ts'
import suggestions from './routes/suggestions.ts'
import timelines from './routes/timelines.ts'
import streaming from './streaming/index.ts'

export const kernel = '^0.3.0'

/** Clients know these paths. */
export const prefixOverride = ''

const mastodon: FastifyPluginAsyncTypebox = async (app) => {
  app.dialect(app, {
    below: ['/api', '/oauth', '/nodeinfo'],
    error: ({ detail }) => ({ error: detail }),
  })
  app.addHook('onRequest', app.mastodon.tokens.authenticate)
  for (const routes of [
    authorize,
    token,
    accounts,
    accountStatuses,
    empty,
    groupedNotifications,
    instance,
    media,
    notifications,
    own,
    pictures,
    profile,
    reactions,
    refused,
    relations,
    reports,
    search,
    statuses,
    streaming,
    suggestions,
    timelines,
    trends,
  ])
    await app.register(routes)
}

export default mastodon
