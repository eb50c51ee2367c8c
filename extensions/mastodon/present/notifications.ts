import type { FastifyInstance } from 'birdhouse'
import type { Asker } from '../origin.ts'
import { accountsOf, toStatuses } from './statuses.ts'

/** Mastodon's types by Birdhouse's kinds. A reply is a mention there. */
const TYPES = new Map([
  ['like', 'favourite'],
  ['retweet', 'reblog'],
  ['follow', 'follow'],
  ['reply', 'mention'],
  ['mention', 'mention'],
])

export const KINDS = [...TYPES.keys()]

type Wanted = { types?: string[]; exclude_types?: string[] }

/** The kinds of these types; types that nobody knows are left out. */
export const kindsOf = ({ types, exclude_types = [] }: Wanted) =>
  [...TYPES]
    .filter(([, type]) => (types?.includes(type) ?? true) && !exclude_types.includes(type))
    .map(([kind]) => kind)

type Service = NonNullable<FastifyInstance['notifications']>
export type Cause = Awaited<ReturnType<Service['causes']>>['items'][number]
export type Group = Awaited<ReturnType<Service['page']>>['items'][number]

/** Notifications of the first version, one each. */
export async function toNotifications(app: FastifyInstance, request: Asker, causes: Cause[]) {
  const { accounts, statuses } = await shownIn(app, request, {
    people: causes.map(({ actorId }) => actorId),
    tweets: causes.flatMap(({ tweet }) => tweet ?? []),
  })
  return causes.flatMap(({ id, kind, actorId, tweet, createdAt }) => {
    const type = TYPES.get(kind)
    const account = accounts.get(actorId)
    const status = tweet && statuses.get(String(tweet.id))
    if (!type || !account || (tweet && !status)) return []
    const about = status ? { status } : {}
    const shown = { id: String(id), type, created_at: createdAt, account, ...about }
    return [{ ...shown, group_key: `ungrouped-${id}` }]
  })
}

/** Groups, with the accounts and statuses that they name beside them. */
export async function toGroups(
  app: FastifyInstance,
  request: Asker,
  items: (Group | Cause)[],
  expand?: string,
) {
  const groups = items.map(groupOf)
  const { accounts, statuses } = await shownIn(app, request, {
    people: groups.flatMap(({ people }) => people),
    tweets: groups.flatMap(({ tweet }) => tweet ?? []),
  })
  const shown = groups.flatMap(({ kind, key, people, count, tweet, latestId, latestAt }) => {
    const type = TYPES.get(kind)
    const known = people.filter((id) => accounts.has(id))
    const statusId = tweet && statuses.has(String(tweet.id)) ? String(tweet.id) : undefined
    // Each type but this one is about a status.
    if (!type || known.length === 0 || (type !== 'follow' && statusId === undefined)) return []
    return [
      {
        group_key: key,
        notifications_count: count,
        type,
        most_recent_notification_id: latestId,
        page_min_id: String(latestId),
        page_max_id: String(latestId),
        latest_page_notification_at: latestAt,
        sample_account_ids: known.map(String),
        ...(statusId !== undefined && { status_id: statusId }),
      },
    ]
  })
  const ids = new Set(shown.flatMap(({ sample_account_ids }) => sample_account_ids))
  const firsts = new Set(shown.map(({ sample_account_ids: [first] }) => first))
  const isPartial = expand === 'partial_avatars'
  const all = [...accounts.values()].filter(({ id }) => ids.has(id))
  const named = new Set(shown.map(({ status_id }) => status_id))
  return {
    accounts: all.filter(({ id }) => !isPartial || firsts.has(id)),
    ...(isPartial && {
      partial_accounts: all
        .filter(({ id }) => !firsts.has(id))
        .map(({ id, acct, locked, bot, url, avatar, avatar_static }) => ({
          ...{ id, acct, locked, bot, url, avatar, avatar_static },
        })),
    }),
    statuses: [...statuses.values()].filter(({ id }) => named.has(id)),
    notification_groups: shown,
  }
}

function groupOf(item: Group | Cause) {
  const { kind, tweet } = item
  if ('actorId' in item) {
    const { id, actorId, createdAt } = item
    const about = { key: `ungrouped-${id}`, people: [actorId], count: 1 }
    return { kind, tweet, ...about, latestId: id, latestAt: createdAt }
  }
  const { id, people, peopleCount, latestId, latestAt } = item
  const key = isGrouped(kind) ? `${TYPES.get(kind)}-${id}` : `ungrouped-${latestId}`
  const about = { key, people: people.map((person) => person.id), count: peopleCount }
  return { kind, tweet, ...about, latestId, latestAt }
}

/** Kinds of which Birdhouse makes one notification while they are unread. */
export const isGrouped = (kind: string) => ['like', 'retweet', 'follow'].includes(kind)

type Shown = { people: number[]; tweets: NonNullable<Cause['tweet']>[] }

async function shownIn(app: FastifyInstance, request: Asker, { people, tweets }: Shown) {
  const [accounts, statuses] = await Promise.all([
    accountsOf(app, request, people),
    toStatuses(app, request, tweets),
  ])
  return { accounts, statuses: new Map(statuses.map((status) => [status.id, status])) }
}
