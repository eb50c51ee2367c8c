import type { FastifyInstance, FastifyRequest, Resources } from 'birdhouse'
import { originOf } from '../origin.ts'
import { type Account, toAccount } from './accounts.ts'
import { toHtml } from './content.ts'
import { toAttachment } from './media.ts'

type Tweet = Resources['Tweet']
type Body = Resources['TweetBody']
type Accounts = Map<number, Account>

/** Fields of Mastodon that Birdhouse has nothing for. */
const CONSTANT = {
  sensitive: false,
  spoiler_text: '',
  visibility: 'public',
  edited_at: null,
  muted: false,
  pinned: false,
  local_only: false,
  emojis: [],
  filtered: [],
  application: null,
  card: null,
  poll: null,
}

/** These accounts by id, with one query. */
export async function accountsOf(
  app: FastifyInstance,
  request: FastifyRequest,
  ids: Iterable<number>,
): Promise<Accounts> {
  const origin = originOf(app, request)
  const users = await app.users.profilesOf([...new Set(ids)], request.viewerId)
  return new Map([...users].map(([id, user]) => [id, toAccount(user, origin)]))
}

/** Tweets as statuses; without deleted ones and those whose author has just gone. */
export async function toStatuses(app: FastifyInstance, request: FastifyRequest, tweets: Tweet[]) {
  const authors = tweets.flatMap(({ author, retweetOf }) => [author, retweetOf?.author])
  const accounts = await accountsOf(
    app,
    request,
    authors.flatMap((author) => author?.id ?? []),
  )
  const origin = originOf(app, request)
  return tweets.flatMap((tweet) => {
    if (!tweet.retweetOf) return toStatus(tweet, accounts, origin) ?? []
    const original = toStatus(tweet.retweetOf, accounts, origin)
    const account = accounts.get(tweet.author?.id ?? 0)
    if (!original || !account) return []
    const { id, uri, created_at } = idsOf(tweet, origin)
    return { ...original, id, uri, created_at, account, content: '', reblog: original }
  })
}

export async function toOneStatus(app: FastifyInstance, request: FastifyRequest, tweet: Tweet) {
  const [status] = await toStatuses(app, request, [tweet])
  return status
}

const idsOf = ({ id, createdAt }: Body, origin: string) => ({
  id: String(id),
  uri: `${origin}/v1/tweets/${id}`,
  created_at: createdAt,
})

function toStatus(tweet: Body, accounts: Accounts, origin: string) {
  const account = accounts.get(tweet.author?.id ?? 0)
  if (tweet.deleted || tweet.text === null || !account) return undefined
  const { entities, replyTo } = tweet
  const mentions = entities?.mentions ?? []
  const people = new Map(mentions.map((one) => [one.userId, one.handle]))
  const tags = new Map((entities?.hashtags ?? []).map(({ tag }) => [tag.toLowerCase(), tag]))
  return {
    ...CONSTANT,
    ...idsOf(tweet, origin),
    in_reply_to_id: replyTo ? String(replyTo.id) : null,
    in_reply_to_account_id: replyTo?.author ? String(replyTo.author.id) : null,
    url: `${account.url}/${tweet.id}`,
    language: tweet.language,
    content: toHtml(tweet.text, entities, origin),
    replies_count: tweet.replyCount,
    reblogs_count: tweet.retweetCount,
    favourites_count: tweet.likeCount,
    favourited: tweet.liked ?? false,
    reblogged: tweet.retweeted ?? false,
    bookmarked: tweet.bookmarked ?? false,
    reblog: null as object | null,
    account,
    media_attachments: tweet.media.map(toAttachment),
    mentions: Array.from(people, ([id, handle]) => ({
      id: String(id),
      username: handle,
      acct: handle,
      url: `${origin}/@${handle}`,
    })),
    tags: Array.from(tags.values(), (name) => ({
      name,
      url: `${origin}/tags/${encodeURIComponent(name)}`,
    })),
  }
}
