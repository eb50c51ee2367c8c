import type { FastifyInstance, Resources } from 'birdhouse'
import { type Asker, originOf } from '../origin.ts'
import { type Account, toAccount } from './accounts.ts'
import { toHtml } from './content.ts'
import { toAttachment } from './media.ts'
import { createMemo, inner, type Part, toBytes, toPart } from './parts.ts'

type Tweet = Resources['Tweet']
type Body = Resources['TweetBody']
type Accounts = Map<number, Part<Account>>

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

/** These accounts by id, with two queries; without those who block the viewer. */
export async function accountsOf(
  app: FastifyInstance,
  request: Asker,
  ids: Iterable<number>,
): Promise<Map<number, Account>> {
  const origin = originOf(app, request)
  const all = [...new Set(ids)]
  const [users, profiles] = await Promise.all([
    app.users.profilesOf(all, request.viewerId),
    app.mastodon.profiles.read(all),
  ])
  return new Map(
    Array.from(users, ([id, user]) => [id, toAccount(app, user, origin, profiles.get(id))]),
  )
}

/** Tweets as statuses; without deleted ones and those whose author has just gone. */
export async function toStatuses(app: FastifyInstance, request: Asker, tweets: Tweet[]) {
  return (await viewsOf(app, request, tweets)).map((view) => ({
    ...toObject(view),
    reblog: view.original ? toObject(view.original) : null,
  }))
}

export async function toOneStatus(app: FastifyInstance, request: Asker, tweet: Tweet) {
  const [status] = await toStatuses(app, request, [tweet])
  return status
}

/** The JSON of the same statuses, most of it made before. */
export async function toPage(app: FastifyInstance, request: Asker, tweets: Tweet[]) {
  const views = await viewsOf(app, request, tweets)
  return Buffer.from(`[${views.map(toText).join(',')}]`, 'latin1')
}

type View = ReturnType<typeof toView> & { original?: View }

async function viewsOf(app: FastifyInstance, request: Asker, tweets: Tweet[]) {
  const origin = originOf(app, request)
  const authors = new Set<number>()
  for (const { author, retweetOf } of tweets) {
    if (author) authors.add(author.id)
    if (retweetOf?.author) authors.add(retweetOf.author.id)
  }
  const accounts = await app.mastodon.accounts(authors, origin)
  return tweets.flatMap((tweet): View[] => {
    const shown = tweet.retweetOf ?? tweet
    const account = accounts.get(tweet.author?.id ?? 0)
    const view = isShown(shown) && viewOf(app, shown, accounts, origin)
    if (!view || !account) return []
    if (!tweet.retweetOf) return [view]
    const { value } = view.shared
    const shared = retweets(app.resources.sharedPart(tweet), [value], () =>
      toPart({ ...value, ...idsOf(tweet, origin), content: '' }),
    )
    return [{ ...view, shared, account, original: view }]
  })
}

type Shown = Body & { text: string; author: NonNullable<Body['author']> }
const isShown = (tweet: Body): tweet is Shown =>
  !tweet.deleted && tweet.text !== null && tweet.author !== null

function viewOf(app: FastifyInstance, tweet: Shown, accounts: Accounts, origin: string) {
  const account = accounts.get(tweet.author.id)
  return account && toView(app, tweet, account, origin)
}

function toView(app: FastifyInstance, tweet: Shown, account: Part<Account>, origin: string) {
  const { author, language, replyTo, text } = tweet
  const mentions = tweet.entities?.mentions ?? []
  // Mentions differ where an account is behind a block.
  const mentioned = mentions.map(({ userId, handle }) => `${userId}:${handle}`).join()
  const by = [origin, text, language, author, replyTo, tweet.entities === undefined, mentioned]
  const shared = bodies(app.resources.sharedPart(tweet), by, () => toPart(sharedOf(tweet, origin)))
  const own = {
    favourited: tweet.liked ?? false,
    reblogged: tweet.retweeted ?? false,
    bookmarked: tweet.bookmarked ?? false,
    media_attachments: tweet.media.map((one) => toAttachment(app, one, origin)),
  }
  return { shared, own, account }
}

const toObject = ({ shared, own, account }: View) => ({
  ...shared.value,
  ...own,
  account: account.value,
  reblog: null as object | null,
})

function toText({ shared, own, account, original }: View): string {
  const { media_attachments: media, favourited, reblogged, bookmarked } = own
  const flags = `"favourited":${favourited},"reblogged":${reblogged},"bookmarked":${bookmarked}`
  const pictures = media.length > 0 ? toBytes(media) : '[]'
  const reblog = original ? toText(original) : 'null'
  return `{${inner(shared.text)},${flags},"media_attachments":${pictures},"account":${account.text},"reblog":${reblog}}`
}

const bodies = createMemo<object, Part<ReturnType<typeof sharedOf>>>()
const retweets = createMemo<object, Part<ReturnType<typeof sharedOf>>>()

const idsOf = ({ id, createdAt }: Body, origin: string) => ({
  id: String(id),
  uri: `${origin}/v1/tweets/${id}`,
  created_at: createdAt,
})

/** The part of a status that all viewers see. */
function sharedOf(tweet: Shown, origin: string) {
  const { author, entities, replyTo } = tweet
  const people = new Map((entities?.mentions ?? []).map((one) => [one.userId, one.handle]))
  const tags = new Map((entities?.hashtags ?? []).map(({ tag }) => [tag.toLowerCase(), tag]))
  return {
    ...CONSTANT,
    ...idsOf(tweet, origin),
    in_reply_to_id: replyTo ? String(replyTo.id) : null,
    in_reply_to_account_id: replyTo?.author ? String(replyTo.author.id) : null,
    url: `${origin}/@${author.handle}/${tweet.id}`,
    language: tweet.language,
    content: toHtml(tweet.text, entities, origin),
    replies_count: tweet.replyCount,
    reblogs_count: tweet.retweetCount,
    favourites_count: tweet.likeCount,
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
