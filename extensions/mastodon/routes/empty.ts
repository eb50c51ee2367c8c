import type { FastifyPluginAsyncTypebox } from 'birdhouse'

/** Lists that clients ask for and that are always empty here, with the scope of a person's own. */
const LISTS: Record<string, string | undefined> = {
  '/api/v1/custom_emojis': undefined,
  '/api/v1/announcements': 'read:accounts',
  '/api/v1/conversations': 'read:statuses',
  '/api/v1/directory': undefined,
  '/api/v1/domain_blocks': 'read:blocks',
  '/api/v1/endorsements': 'read:accounts',
  '/api/v1/featured_tags': 'read:accounts',
  '/api/v1/filters': 'read:filters',
  '/api/v2/filters': 'read:filters',
  '/api/v1/follow_requests': 'read:follows',
  '/api/v1/followed_tags': 'read:follows',
  '/api/v1/lists': 'read:lists',
  '/api/v1/notifications/requests': 'read:notifications',
  '/api/v1/scheduled_statuses': 'read:statuses',
  '/api/v1/trends/links': undefined,
  '/api/v1/trends/statuses': undefined,
  '/api/v1/accounts/:id/featured_tags': undefined,
  '/api/v1/accounts/:id/identity_proofs': undefined,
  '/api/v1/accounts/:id/lists': 'read:lists',
  '/api/v1/instance/activity': undefined,
  '/api/v1/instance/domain_blocks': undefined,
  '/api/v1/instance/peers': undefined,
  '/api/v1/instance/rules': undefined,
}

const empty: FastifyPluginAsyncTypebox = async (app) => {
  for (const [path, scope] of Object.entries(LISTS)) {
    app.get(path, { config: { ...(scope !== undefined && { scope }) } }, async () => [])
  }
}

export default empty
