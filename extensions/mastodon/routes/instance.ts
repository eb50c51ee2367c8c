import type { FastifyInstance, FastifyPluginAsyncTypebox, FastifyRequest } from 'birdhouse'
import { ACCOUNT_LIMITS } from 'birdhouse/schemas'
import { createFigures } from '../figures.ts'
import { domainOf, originOf } from '../origin.ts'
import { toHtml } from '../present/content.ts'
import { NO_HEADER } from '../present/pictures.ts'
import { FIELD_LENGTH, MOST_FIELDS } from '../profiles.ts'

const SOURCE = 'https://www.npmjs.com/package/birdhouse'
/** The version of Mastodon that has this API; clients compare it. */
const COMPATIBLE = '4.2.0'
const NODEINFO = 'http://nodeinfo.diaspora.software/ns/schema/2.0'

const instance: FastifyPluginAsyncTypebox = async (app) => {
  const { version, site } = app.config
  const { mode } = app.signUp.rules
  const isOpen = mode !== 'invited'
  const isApproved = mode === 'approved'
  const hasStreams = app.optional('live') !== undefined
  const figures = createFigures(app)
  const software = `${COMPATIBLE} (compatible; Birdhouse ${version})`

  async function stats() {
    const { people, posts } = await figures()
    return { user_count: people, status_count: posts, domain_count: 0 }
  }

  async function usage() {
    const { people, posts, active } = await figures()
    return { users: { total: people, activeMonth: active }, localPosts: posts }
  }

  app.get('/api/v1/instance', async (request) => ({
    uri: domainOf(app, request),
    title: site.name,
    short_description: site.description,
    description: site.description,
    email: '',
    version: software,
    urls: hasStreams ? { streaming_api: streamingOf(app, request) } : {},
    stats: await stats(),
    thumbnail: `${originOf(app, request)}${NO_HEADER}`,
    languages: [],
    registrations: isOpen,
    approval_required: isApproved,
    invites_enabled: false,
    configuration: limitsOf(app),
    contact_account: null,
    rules: [],
    max_toot_chars: app.tweets.maxLength,
  }))

  app.get('/api/v2/instance', async (request) => ({
    domain: domainOf(app, request),
    title: site.name,
    version: software,
    source_url: SOURCE,
    description: site.description,
    usage: { users: { active_month: (await figures()).active } },
    thumbnail: { url: `${originOf(app, request)}${NO_HEADER}`, blurhash: null, versions: {} },
    icon: [],
    languages: [],
    configuration: {
      ...limitsOf(app),
      urls: hasStreams ? { streaming: streamingOf(app, request) } : {},
    },
    // Apps open this page: they cannot make accounts themselves.
    registrations: {
      enabled: isOpen,
      approval_required: isApproved,
      message: null,
      url: `${originOf(app, request)}/join`,
    },
    // 2 has grouped notifications.
    api_versions: { mastodon: 2 },
    contact: { email: '', account: null },
    rules: [],
  }))

  app.get('/api/v1/instance/extended_description', async (request) => ({
    updated_at: null,
    content: toHtml(site.description, undefined, originOf(app, request)),
  }))

  app.get('/api/v1/instance/translation_languages', async () => ({}))

  app.get('/.well-known/nodeinfo', async (request) => ({
    links: [{ rel: NODEINFO, href: `${originOf(app, request)}/nodeinfo/2.0` }],
  }))

  app.get('/nodeinfo/2.0', async () => ({
    version: '2.0',
    software: { name: 'birdhouse', version },
    protocols: [],
    services: { inbound: [], outbound: [] },
    openRegistrations: mode === 'open',
    usage: await usage(),
    // Clients that know no Birdhouse look here for the API.
    metadata: { upstream: { name: 'mastodon', version: COMPATIBLE } },
  }))
}

const streamingOf = (app: FastifyInstance, request: FastifyRequest) =>
  originOf(app, request).replace(/^http/, 'ws')

const limitsOf = (app: FastifyInstance) => ({
  accounts: {
    max_featured_tags: 0,
    max_pinned_statuses: 0,
    max_display_name_length: ACCOUNT_LIMITS.name,
    max_note_length: ACCOUNT_LIMITS.profile,
    max_profile_fields: MOST_FIELDS,
    profile_field_name_limit: FIELD_LENGTH,
    profile_field_value_limit: FIELD_LENGTH,
  },
  statuses: {
    max_characters: app.tweets.maxLength,
    max_media_attachments: 4,
    characters_reserved_per_url: 23,
    supported_mime_types: ['text/plain'],
  },
  media_attachments: {
    supported_mime_types: ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif'],
    description_limit: 1_500,
    image_size_limit: 8 * 1024 * 1024,
    image_matrix_limit: 50_000_000,
    video_size_limit: 0,
    video_frame_rate_limit: 0,
    video_matrix_limit: 0,
  },
  polls: {
    max_options: 0,
    max_characters_per_option: 0,
    min_expiration: 0,
    max_expiration: 0,
  },
  translation: { enabled: false },
})

export default instance
