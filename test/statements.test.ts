import t from 'tap'
import { build } from '../app.ts'
import {
  drained,
  like,
  read,
  relate,
  retweet,
  settings,
  signUp,
  tweet,
  type User,
} from './helper.ts'
import { startStatementLog } from './statement-log.ts'

// One process writes. Another process, which has never read any of that, answers first pages; a relay
// counts the statements between this process and the database.

/** Statements that a process sends on its own: its look at revoked sessions, and the first ones of a connection. */
const BACKGROUND = /`revoked_sessions`|^SET SESSION/

const env = await settings(t)
const url = new URL(env.DATABASE_URL ?? '')
const log = await startStatementLog(Number(url.port), BACKGROUND)
t.teardown(log.stop)
const writer = await build(env)
t.teardown(() => writer.close())
url.port = String(log.port)
const reader = await build({ ...env, DATABASE_URL: url.href })
t.teardown(() => reader.close())
await reader.jobs.stop()

const { id: appId } = await writer.mastodon.apps.register({
  name: 'A',
  website: null,
  redirectUris: [],
  scopes: ['read'],
})

/** The user with a token of a Mastodon app. */
async function inApp(user: User) {
  const client = { ip: '127.0.0.1', userAgent: 'test', app: 'A' }
  const sessionId = await writer.auth.sessions.openForApp(user.id, client)
  const token = String(user.id).padStart(43, 't')
  await writer.mastodon.tokens.store(token, { appId, userId: user.id, sessionId, scopes: 'read' })
  return { ...user, token }
}

/** Statements of extensions, each of which may add one to a page. */
const OF_EXTENSION = /^select (`user_id`, )?`tweet_id` from `bookmarks`|from `hashtags_mutes`/

/** A reader and eight authors with two tweets each, a reply and a retweet among them. */
async function createWorld() {
  const me = await signUp(writer)
  const authors = await Promise.all(Array.from({ length: 8 }, () => signUp(writer)))
  for (const author of authors) await relate(writer, me, 'follow', author)
  const [author, second, third] = authors as [User, User, User]
  const ids: number[] = []
  for (const one of [...authors, ...authors]) ids.push((await tweet(writer, one, '#birds')).id)
  const [first = 0] = ids
  await tweet(writer, second, 'a reply', { replyToId: first })
  await retweet(writer, third, first)
  for (const id of ids.slice(0, 4)) {
    await like(writer, me, id)
    await writer.bookmarks.add(me.id, id)
  }
  // The first visit records the reader and queues a job that fills the timeline.
  await read(writer, '/v1/timeline', me)
  await drained(writer)
  return { me, author, first }
}

type World = Awaited<ReturnType<typeof createWorld>>

const LISTS: Record<string, (world: World) => string> = {
  'the home timeline': () => '/v1/timeline',
  "everyone's tweets": () => '/v1/tweets',
  "a user's tweets": ({ author }) => `/v1/users/${author.id}/tweets`,
  'the replies to a tweet': ({ first }) => `/v1/tweets/${first}/replies`,
  'the likes of a user': ({ me }) => `/v1/users/${me.id}/likes`,
  'the bookmarks': () => '/v1/bookmarks',
  'the tweets with a hashtag': () => '/v1/hashtags/birds/tweets',
}

for (const [list, path] of Object.entries(LISTS)) {
  t.test(
    `a first page of ${list} takes at most four statements in three round trips`,
    async (t) => {
      await read(reader, path(await createWorld()), (await createWorld()).me)
      const world = await createWorld()
      await reader.cache.sync()
      let items = 0
      const page = await log.during(async () => {
        items = (await read(reader, path(world), world.me)).items.length
      })
      const { statements: all } = page
      const own = all.filter((text) => !OF_EXTENSION.test(text))
      t.ok(items > 0)
      t.ok(own.length <= 4, `${own.length} statements`)
      t.ok(all.length - own.length <= 2, `${all.length - own.length} statements of extensions`)
      // One more for the fields of extensions, which are read side by side.
      t.ok(page.roundTrips <= 4, `${page.roundTrips} round trips`)
      for (const text of all) t.comment(text.slice(0, 160))
    },
  )
}

t.test(
  'a page of a Mastodon app takes three statements more: its token, the profiles and their fields',
  async (t) => {
    const world = await createWorld()
    const as = await inApp(world.me)
    const path = '/api/v1/timelines/home'
    await reader.cache.sync()
    let items = 0
    const page = await log.during(async () => {
      items = (await read(reader, path, as)).length
    })
    const own = page.statements.filter((text) => !OF_EXTENSION.test(text))
    t.equal(items, 17)
    t.ok(own.length <= 7, `${own.length} statements`)
    for (const text of own) t.comment(text.slice(0, 160))
  },
)

t.test('a thread of any depth takes the same number of statements', async (t) => {
  const [ann, ben] = [await signUp(writer), await signUp(writer)]
  const app = await inApp(ann)
  const ids: number[] = []
  for (let n = 0; n < 12; n++) {
    const parent = ids.at(-1)
    const reply = parent ? { replyToId: parent } : {}
    ids.push((await tweet(writer, n % 2 ? ann : ben, `level ${n}`, reply)).id)
  }
  const shown = (statuses: { id: string }[]) => statuses.map(({ id }) => Number(id))
  for (const at of [3, 8]) {
    await reader.cache.sync()
    const id = ids[at]
    const context = await log.during(async () => {
      const thread = await read(reader, `/api/v1/statuses/${id}/context`, app)
      t.strictSame(shown(thread.ancestors), ids.slice(0, at))
      t.strictSame(shown(thread.descendants), ids.slice(at + 1))
    })
    const own = context.statements.filter((text) => !OF_EXTENSION.test(text))
    // The token, up, down, the changes of caches, which of the tweets may be seen, tweets, profiles, their fields.
    t.ok(own.length <= 8, `${own.length} statements`)
    const page = await log.during(async () => {
      const { payload } = await reader.inject(`/@${at % 2 ? ann.handle : ben.handle}/${id}`)
      t.match(payload, new RegExp(`level 0<[^]*level ${at}<[^]*level ${at + 1}<`))
    })
    t.ok(page.statements.length <= 5, `${page.statements.length} statements of a page`)
    for (const text of own) t.comment(text.slice(0, 160))
  }
})

t.test(
  'new tweets of followees complete a cached page without rules in the database',
  async (t) => {
    const { me, author } = await createWorld()
    await read(reader, '/v1/timeline', me)
    const added: number[] = []
    const write = async (text: string) => added.unshift((await tweet(writer, author, text)).id)
    const shown = async () =>
      (await read(reader, '/v1/timeline', me)).items.map(({ id }: { id: number }) => id)
    // The followees are read once for each cached timeline.
    await write('first')
    await shown()
    await write('second')
    await write('third')
    let items: number[] = []
    const page = await log.during(async () => {
      items = await shown()
    })
    t.strictSame(items.slice(0, 3), added)
    const own = page.statements.filter((text) => !OF_EXTENSION.test(text))
    t.equal(own.length, 2, 'the look at the changes, and the new tweets with their authors')
    for (const text of own) t.comment(text.slice(0, 160))
  },
)
