import t, { type Test } from 'tap'
import { countMismatches } from './counts.ts'
import {
  call,
  drained,
  like,
  relate,
  removeTweet,
  retweet,
  setUp,
  signUp,
  tweet,
  type User,
} from './helper.ts'

// Every way to read, and what a block, a mute and a deleted account mean for it. A new GET route
// fails the first test below until it has its entry here.

type Kind =
  /** Tweets: nothing of people a block stands between, not even the name of a reply's parent. */
  | 'tweets'
  /** As tweets, in a list of one's own. */
  | 'ownTweets'
  /** As tweets, and nothing of those the viewer mutes. */
  | 'timeline'
  /** Lists that others address to the viewer: they leave out blocked and muted people. */
  | 'notifications'
  /** Lists of people: those a block stands between are left out. */
  | 'people'
  /** One account: the user who blocks sees it, the blocked user does not. */
  | 'account'
  /** A picture of one account. */
  | 'picture'
  /** The viewer's own doings. */
  | 'own'
  /** A stream, which has no end to wait for; its own tests look for leaks. */
  | 'stream'
  /** For moderators and administrators alone. */
  | 'staff'
  /** Neither tweets nor people. */
  | 'neither'

const READS: Record<string, Kind> = {
  '/v1/timeline': 'timeline',
  '/timeline': 'timeline',
  '/v1/tweets': 'tweets',
  '/v1/tweets/{id}': 'tweets',
  '/v1/tweets/{id}/replies': 'tweets',
  '/v1/users/{id}/tweets': 'tweets',
  '/v1/users/{id}/likes': 'tweets',
  '/v1/tweets/{id}/likes': 'people',
  '/v1/users/{id}/followers': 'people',
  '/v1/users/{id}/following': 'people',
  '/v1/users/{id}': 'account',
  '/v1/users/by-handle/{handle}': 'account',
  '/view-data': 'account',
  '/v1/users/{id}/avatar': 'picture',
  '/v1/users/{id}/header': 'picture',
  '/profile-picture/s3/{user_id}': 'picture',
  '/profile-picture/local/{user_id}': 'picture',
  '/v1/users/me': 'own',
  '/v1/users/me/blocks': 'own',
  '/v1/media/{id}': 'own',
  '/v1/media/usage': 'neither',
  '/v1/users/me/mutes': 'own',
  '/v1/users/me/exports': 'neither',
  '/v1/users/me/exports/{id}/archive': 'own',
  '/v1/notifications': 'notifications',
  // Its ids are those of notifications; its own tests see to blocks and mutes.
  '/v1/notifications/{id}/people': 'own',
  '/v1/bookmarks': 'ownTweets',
  '/v1/hashtags/{tag}/tweets': 'tweets',
  '/v1/users/me/mentions': 'notifications',
  '/v1/hashtags/muted': 'own',
  '/v1/hashtags/trending': 'neither',
  '/v1/live': 'stream',
  '/v1/moderation/acts': 'neither',
  '/v1/reports': 'neither',
  '/v1/admin/acts': 'staff',
  '/v1/admin/reports': 'staff',
  '/v1/admin/appeals': 'staff',
  '/v1/admin/users/{id}': 'staff',
  '/v1/admin/sign-ups': 'staff',
  '/v1/admin/invitations': 'neither',
  '/v1/admin/sign-up-blocks': 'neither',
  '/.well-known/security.txt': 'neither',
  '/v1/auth/second-factor': 'neither',
  '/v1/auth/second-factor/passkeys': 'neither',
  '/v1/auth/sessions': 'neither',
  '/livez': 'neither',
  '/readyz': 'neither',
  '/ping': 'neither',
}

const app = await setUp(t)
/** The reads that ship with the project; an extension that somebody adds sees to its own lists. */
const TAGS = new Set(
  'auth users tweets graph timeline media flat moderation operations bookmarks notifications live hashtags'.split(
    ' ',
  ),
)
const gets = Object.entries(app.swagger().paths ?? {}).flatMap(([path, methods]) => {
  const get: { tags?: string[]; parameters?: unknown[] } = methods?.get ?? {}
  const { tags = [], parameters = [] } = get
  return tags.some((tag) => TAGS.has(tag))
    ? [{ path, parameters: parameters as { name: string }[] }]
    : []
})

// Each name is a marker that is looked for in whole answers; so is the text of each tweet.
const NAMES = {
  viewer: 'QVIEWER',
  blocked: 'QBLOCKED',
  blocking: 'QBLOCKING',
  muted: 'QMUTED',
  third: 'QTHIRD',
  suspended: 'QSUSPENDED',
  limited: 'QLIMITED',
  deleted: 'QDELETED',
  deletedToo: 'QDELETED',
  outsider: 'QOUTSIDER',
}
type Person = keyof typeof NAMES
const roles = Object.keys(NAMES) as Person[]
const signedUp = await Promise.all(roles.map((role) => signUp(app, NAMES[role])))
const person = Object.fromEntries(roles.map((role, n) => [role, signedUp[n]])) as Record<
  Person,
  User
>
const { viewer, blocked, blocking, muted, third, suspended, limited } = person
const { deleted, deletedToo, outsider } = person
const tweetIds: number[] = []
const TAG = '새소리'

/** A small world in which everybody has done everything to everybody. */
async function populate() {
  for (const a of signedUp) {
    for (const b of signedUp) if (a !== b) await relate(app, a, 'follow', b)
    for (const { set, objects } of [app.users.pictures.avatar, app.users.pictures.header]) {
      await set(a.id, `key-of-${a.handle}`)
      for (const key of objects(`key-of-${a.handle}`)) {
        await app.s3.put(key, Buffer.from(`picture of ${a.handle}`), 'image/webp')
      }
    }
  }
  const originals = new Map<User, number>()
  const everyone = [viewer, blocked, blocking].map(({ handle }) => `@${handle}`).join(' ')
  for (const [n, author] of signedUp.entries()) {
    const { id } = await tweet(app, author, `by ${NAMES[roles[n] as Person]} #${TAG} ${everyone}`)
    originals.set(author, id)
  }
  // Two of them reply to, retweet and like everybody; everybody does so to those two.
  const busy = [viewer, third]
  for (const actor of signedUp) {
    const marker = NAMES[roles[signedUp.indexOf(actor)] as Person]
    for (const [author, id] of originals) {
      if (author === actor || !(busy.includes(actor) || busy.includes(author))) continue
      const reply = await tweet(app, actor, `reply by ${marker}`, { replyToId: id })
      await retweet(app, actor, id)
      await like(app, actor, id)
      await call(app, `PUT /v1/tweets/${id}/bookmark`, { as: actor })
      await like(app, author, reply.id)
    }
  }
  const gone = await tweet(app, blocked, 'soon deleted by QBLOCKED')
  await removeTweet(app, blocked, gone.id)
  const rows = await app.db.select({ id: app.tables.tweets.id }).from(app.tables.tweets)
  tweetIds.push(...rows.map(({ id }) => id))
  await drained(app)
}
await populate()

t.test('every GET route is listed here with what it may show', async (t) => {
  t.strictSame(gets.map(({ path }) => path).sort(), Object.keys(READS).sort())
})

/** Each answer of a path: once for every tweet or user its parameter can mean. */
async function visit({ path, parameters }: (typeof gets)[number], as: User | undefined) {
  const has = (name: string) => parameters.some((parameter) => parameter.name === name)
  const users = signedUp.map(({ id }) => id)
  const values: (number | string)[] = path.includes('{handle}')
    ? signedUp.map(({ handle }) => handle)
    : path.includes('{tag}')
      ? [encodeURIComponent(TAG)]
      : path.startsWith('/v1/tweets/')
        ? tweetIds
        : path.includes('{') || path === '/view-data'
          ? users
          : ['']
  const query = path === '/view-data' ? '?id=VALUE' : has('limit') ? '?limit=100' : ''
  const answers = []
  for (const value of values) {
    const url = `${path}${query}`.replace(/\{\w+\}|VALUE/, String(value))
    const { status, headers, body } = await call(app, `GET ${url}`, as ? { as } : {})
    const content = JSON.stringify(body)
    // `about` is what was asked for; problems quote it.
    answers.push({ url, about: value, status, text: `${headers.location ?? ''} ${content}`, body })
  }
  return answers
}

type Shown = { author: { id: number }; retweetOf?: { author: { id: number } } }
type Expectation = { never: string[]; somewhere: string[] }

async function check(
  t: Test,
  kinds: Kind[],
  as: User | undefined,
  { never, somewhere }: Expectation,
) {
  for (const route of gets) {
    if (!kinds.includes(READS[route.path] as Kind)) continue
    const answers = await visit(route, as)
    for (const { url, status, text } of answers) {
      const leaks = never.filter((marker) => text.includes(marker))
      if (leaks.length > 0) t.fail(`${url} shows ${leaks}`, { text })
      if (![200, 302, 404].includes(status)) t.fail(`${url} answers ${status}`, { text })
    }
    const all = answers.map(({ text }) => text).join()
    const missing = somewhere.filter((marker) => !all.includes(marker))
    t.strictSame(missing, [], `${route.path} shows what it should`)
    const full = answers.filter(({ body }) => body.nextCursor)
    t.strictSame(full, [], `${route.path} was read whole`)
  }
}

const EVERYONE = [...new Set(Object.values(NAMES))].filter((name) => name !== 'QOUTSIDER')

t.test('without blocks everything is visible', async (t) => {
  await check(t, ['tweets', 'timeline', 'people', 'account'], outsider, {
    never: [],
    somewhere: EVERYONE,
  })
  await check(t, ['tweets', 'people', 'account'], undefined, { never: [], somewhere: EVERYONE })
})

t.test('a block hides both users from each other, a mute hides unsolicited content', async (t) => {
  await relate(app, viewer, 'block', blocked)
  await relate(app, blocking, 'block', viewer)
  await relate(app, viewer, 'mute', muted)
  await relate(app, viewer, 'mute', deleted)
  await relate(app, viewer, 'block', deletedToo)

  const hidden = ['QBLOCKED', 'QBLOCKING']
  await check(t, ['tweets', 'people'], viewer, {
    never: hidden,
    somewhere: ['QVIEWER', 'QTHIRD', 'QMUTED', 'QDELETED'],
  })
  await check(t, ['ownTweets'], viewer, { never: hidden, somewhere: ['QTHIRD', 'QMUTED'] })
  await check(t, ['timeline'], viewer, {
    never: [...hidden, 'by QMUTED', 'by QDELETED'],
    somewhere: ['QVIEWER', 'QTHIRD'],
  })
  await check(t, ['notifications'], viewer, {
    never: [...hidden, 'QMUTED', 'QDELETED'],
    somewhere: ['QTHIRD'],
  })
  for (const as of [blocked, blocking]) {
    await check(t, ['notifications'], as, { never: ['QVIEWER'], somewhere: ['QTHIRD'] })
    await check(t, ['ownTweets'], as, { never: ['QVIEWER'], somewhere: ['QTHIRD'] })
    await check(t, ['tweets', 'people', 'timeline'], as, {
      never: ['QVIEWER'],
      somewhere: [...hidden, 'QTHIRD', 'QMUTED'],
    })
  }
  for (const as of [outsider, muted]) {
    await check(t, ['tweets', 'timeline', 'people'], as, { never: [], somewhere: EVERYONE })
  }
  await check(t, ['tweets', 'people'], undefined, { never: [], somewhere: EVERYONE })
  await check(t, ['account'], viewer, {
    never: ['QBLOCKING'],
    somewhere: EVERYONE.filter((name) => name !== 'QBLOCKING'),
  })
})

t.test('a reply does not name its parent across a block', async (t) => {
  const { items } = await call(app, `GET /v1/users/${third.id}/tweets?limit=100`, {
    as: viewer,
  }).then(({ body }) => body)
  const parents = items.flatMap((item: { replyTo: unknown }) =>
    item.replyTo ? [item.replyTo] : [],
  )
  const unnamed = parents.filter(({ author }: { author: unknown }) => author === null)
  t.equal(unnamed.length, 3, 'the replies to those behind a block stay, their parents unnamed')
  t.equal(parents.length, 9)
})

t.test('the timeline leaves out muted authors and their retweeted originals', async (t) => {
  const { items } = await call(app, 'GET /v1/timeline?limit=100', { as: viewer }).then(
    ({ body }) => body,
  )
  const people = items.flatMap((item: Shown) => [item.author.id, item.retweetOf?.author.id])
  t.notOk(people.includes(muted.id))
  t.ok(people.includes(third.id))
  const own = await call(app, 'GET /v1/users/me/mutes', { as: viewer })
  t.strictSame(own.body.items.map(({ id }: User) => id).sort(), [muted.id, deleted.id].sort())
})

const MODERATED: Kind[] = ['tweets', 'ownTweets', 'timeline', 'notifications', 'people']
const PROFILES: Kind[] = ['account', 'picture', 'own']

/** All that these kinds of paths answer, by URL. */
async function walk(kinds: Kind[], as: User | undefined) {
  const open = kinds.filter((kind) => as || ['tweets', 'people', 'account'].includes(kind))
  const found = new Map<string, string>()
  for (const route of gets.filter(({ path }) => open.includes(READS[path] as Kind)))
    for (const { url, status, text } of await visit(route, as)) found.set(url, `${status} ${text}`)
  return found
}

/** Acts between two walks of these viewers, and returns what the second of each shows of the account. */
async function hide(act: 'suspend' | 'limit', account: User, kinds: Kind[], viewers: Viewer[]) {
  const before = await Promise.all(viewers.map((as) => walk(kinds, as)))
  await app.moderation.actOn(act, { userId: account.id, reason: 'Advertising' })
  const hidden = await Promise.all(viewers.map((as) => walk(kinds, as)))
  const marks = act === 'limit' ? ['by QLIMITED'] : ['QSUSPENDED', `key-of-${account.handle}`]
  const leaks = hidden.flatMap((found) =>
    [...found].filter(([, text]) => marks.some((mark) => text.includes(mark))),
  )
  return { before, hidden, leaks }
}

type Viewer = User | undefined

t.test('a suspended account vanishes at once, and comes back as it was', async (t) => {
  const viewers = [outsider, third, undefined]
  const kinds = [...MODERATED, ...PROFILES]
  const { before, hidden, leaks } = await hide('suspend', suspended, kinds, viewers)
  t.ok(before.every((found) => [...found.values()].join().includes('QSUSPENDED')))
  t.strictSame(leaks, [])
  for (const [n, found] of hidden.entries()) {
    t.equal(found.size, before[n]?.size)
    t.match(found.get(`/v1/users/${suspended.id}/tweets?limit=100`), /^404/)
    t.match(found.get(`/v1/users/${suspended.id}/likes?limit=100`), /^404/)
    t.match(found.get(`/v1/users/${suspended.id}`), /^404/)
    t.match([...found.values()].join(), 'QTHIRD')
  }
  await app.moderation.actOn('restore', { userId: suspended.id, reason: 'A mistake' })
  const after = await Promise.all(viewers.map((as) => walk(kinds, as)))
  t.strictSame(after, before)
})

t.test('tweets of a limited account are seen by its followers alone', async (t) => {
  await app.graph.unfollow(outsider.id, limited.id)
  await drained(app)
  const strangers = [outsider, undefined]
  const followers = [third, limited]
  // The limited person is notified of the act.
  const seenByFollowers = MODERATED.filter((kind) => kind !== 'notifications')
  const seen = await Promise.all(followers.map((as) => walk(seenByFollowers, as)))
  const { before, leaks } = await hide('limit', limited, MODERATED, strangers)
  t.ok(before.every((found) => [...found.values()].join().includes('by QLIMITED')))
  t.strictSame(leaks, [])
  const stillSeen = await Promise.all(followers.map((as) => walk(seenByFollowers, as)))
  t.strictSame(stillSeen, seen, 'followers see the same')
  t.equal((await call(app, `GET /v1/users/${limited.id}`)).status, 200, 'the profile stays')
  await app.moderation.actOn('restore', { userId: limited.id, reason: 'A mistake' })
  const after = await Promise.all(strangers.map((as) => walk(MODERATED, as)))
  t.strictSame(after, before)
  await relate(app, outsider, 'follow', limited)
})

t.test('a deleted account is invisible, before and after its erasure', async (t) => {
  const own: Kind[] = ['timeline', 'own', 'ownTweets', 'notifications']
  const kinds: Kind[] = [...own, 'tweets', 'people', 'account', 'picture']
  const marks = ['QDELETED', deleted.handle, deletedToo.handle]
  const everything = [viewer, outsider, undefined]
  for (const name of ['QDELETED', deleted.handle]) {
    t.equal((await call(app, `GET /v1/users/by-handle/${deleted.handle}`)).status, 200, name)
  }
  await app.jobs.stop()
  for (const as of [deleted, deletedToo]) {
    const { status } = await call(app, 'DELETE /v1/users/me', {
      as,
      body: { password: as.password },
    })
    t.equal(status, 204)
  }

  for (const when of ['before', 'after']) {
    for (const as of everything) {
      const open = kinds.filter((kind) => as || !own.includes(kind))
      await t.test(`${when}, as ${as?.handle ?? 'the public'}`, async (t) => {
        for (const route of gets) {
          if (!open.includes(READS[route.path] as Kind)) continue
          for (const { url, text, status, about, body } of await visit(route, as)) {
            // A problem repeats what was asked for; that is no leak.
            const leak = status !== 404 && marks.find((mark) => text.includes(mark))
            if (leak) t.fail(`${url} shows ${leak}`, { text })
            const theirs = [deleted, deletedToo].some(({ id, handle }) =>
              route.path.includes('{handle}') ? about === handle : about === id,
            )
            if (theirs && !/^\/v1\/(tweets|notifications)\//.test(route.path)) {
              t.equal(status, 404, `${url} answers as if there were nobody`)
            }
            if (body.replyTo?.deleted) t.equal(body.replyTo.author, null)
          }
        }
      })
    }
    if (when === 'before') {
      await app.jobs.start()
      await drained(app)
    }
  }

  t.strictSame(await countMismatches(app), [])
  const { users, tweets, likes, follows, blocks, mutes } = app.tables
  const gone = new Set([deleted.id, deletedToo.id])
  const left = [
    ...(await app.db.select({ id: users.id }).from(users)),
    ...(await app.db.select({ id: tweets.authorId }).from(tweets)),
    ...(await app.db.select({ id: likes.userId }).from(likes)),
    ...(await app.db.select({ id: follows.followerId }).from(follows)),
    ...(await app.db.select({ id: follows.followeeId }).from(follows)),
    ...(await app.db.select({ id: blocks.blockedId }).from(blocks)),
    ...(await app.db.select({ id: mutes.mutedId }).from(mutes)),
  ].filter(({ id }) => gone.has(id))
  t.strictSame(left, [], 'every row is erased')
})
