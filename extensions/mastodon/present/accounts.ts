import type { FastifyInstance, Resources } from 'birdhouse'
import { type Asker, originOf } from '../origin.ts'
import { PLAIN, type Profile } from '../profiles.ts'
import { linked, toHtml } from './content.ts'
import { NO_AVATAR, NO_HEADER, stable } from './pictures.ts'

type Person = Resources['User']

export function toAccount(app: FastifyInstance, user: Person, origin: string, profile = PLAIN) {
  const avatar = user.avatar ? stable(app, user.avatar.large, origin) : `${origin}${NO_AVATAR}`
  const header = user.header ? stable(app, user.header.large, origin) : `${origin}${NO_HEADER}`
  return {
    id: String(user.id),
    username: user.handle,
    acct: user.handle,
    display_name: user.name,
    locked: false,
    bot: profile.isBot,
    discoverable: profile.isDiscoverable,
    indexable: false,
    group: false,
    // Mastodon shows a day, because activity is nobody's business by the minute.
    created_at: `${user.createdAt.slice(0, 10)}T00:00:00.000Z`,
    note: toHtml(user.profile, undefined, origin),
    url: `${origin}/@${user.handle}`,
    uri: `${origin}/v1/users/${user.id}`,
    avatar,
    avatar_static: avatar,
    header,
    header_static: header,
    followers_count: user.followerCount,
    following_count: user.followeeCount,
    statuses_count: user.tweetCount,
    last_status_at: null,
    hide_collections: false,
    noindex: false,
    emojis: [],
    roles: [],
    fields: profile.fields.map(({ name, value }) => ({
      name,
      value: linked(value),
      verified_at: null,
    })),
  }
}

export async function accountOf(app: FastifyInstance, request: Asker, user: Person) {
  const profile = await app.mastodon.profiles.of(user.id)
  return toAccount(app, user, originOf(app, request), profile)
}

export type Account = ReturnType<typeof toAccount>

/** The own account, with what its owner sets. */
export function toOwnAccount(app: FastifyInstance, user: Person, origin: string, own: Profile) {
  return {
    ...toAccount(app, user, origin, own),
    source: {
      privacy: 'public',
      sensitive: false,
      language: own.language,
      note: user.profile,
      fields: own.fields.map((field) => ({ ...field, verified_at: null })),
      follow_requests_count: 0,
      discoverable: own.isDiscoverable,
      indexable: false,
      hide_collections: false,
    },
    role: { id: '-99', name: '', color: '', permissions: '0', highlighted: false },
  }
}

type Relations = { [Key in 'following' | 'followedBy' | 'blocking' | 'muting']?: boolean }

export const toRelationship = (
  id: number,
  { following = false, followedBy = false, blocking = false, muting = false }: Relations = {},
) => ({
  id: String(id),
  following,
  showing_reblogs: following,
  notifying: false,
  languages: null,
  followed_by: followedBy,
  blocking,
  blocked_by: false,
  muting,
  muting_notifications: muting,
  requested: false,
  requested_by: false,
  domain_blocking: false,
  endorsed: false,
  note: '',
})
