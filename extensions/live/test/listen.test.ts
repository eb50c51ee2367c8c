import type { FastifyInstance } from 'birdhouse'
import {
  type App,
  build,
  drained,
  like,
  relate,
  removeTweet,
  retweet,
  settings,
  signUp,
  tweet,
  type User,
} from 'birdhouse/testing'
import t from 'tap'

// Another extension hears through app.live.listen of tweets that another process writes.

const env = await settings(t)
async function start() {
  const app: App = await build(env)
  t.teardown(() => app.close())
  return app
}
const [app, other] = [await start(), await start()]
const people = (...names: string[]) =>
  Promise.all(names.map((name) => signUp(app, name))) as Promise<[User, User, User, User]>
const [ann, ben, cho, eve] = await people('Ann', 'Ben', 'Cho', 'Eve')
await relate(app, ann, 'follow', ben)

type Listen = FastifyInstance['live']['listen']
type Item = Parameters<Parameters<Listen>[2]>[0]

/** Jobs of several processes announce tweets in any order. */
const byId = (a: object, b: object) => (a as { id: number }).id - (b as { id: number }).id

/** Hears on the other process until an event tells of this id. */
async function hear(userId: number, target: Parameters<Listen>[1]) {
  const items: Item[] = []
  let look = () => {}
  const stop = await other.live.listen(userId, target, (item) => {
    items.push(item)
    look()
  })
  const ids = () => items.map(({ event, data }) => [event, (data as { id: number }).id])
  const until = (id: number) =>
    new Promise<void>((resolve) => {
      look = () => ids().some(([, one]) => one === id) && resolve()
      look()
    })
  return { items, ids, until, stop }
}

t.test('home has the tweets of a timeline, their deletions, and notifications', async (t) => {
  const home = await hear(ann.id, 'home')
  const [mine, theirs] = [await tweet(app, ann, 'Mine'), await tweet(app, ben, 'Hi')]
  await tweet(app, cho, 'A stranger')
  await retweet(app, ben, mine.id)
  await like(app, cho, mine.id)
  await drained(app)
  await home.until(theirs.id)
  await removeTweet(app, ben, theirs.id)
  const last = await tweet(app, ben, 'Last')
  await home.until(last.id)
  home.stop()
  const shown = home.items.filter(({ event }) => event === 'tweet').map(({ data }) => data)
  t.match(shown.sort(byId), [
    { id: mine.id },
    { id: theirs.id },
    { author: { id: ben.id }, retweetOf: { id: mine.id } },
    { id: last.id },
  ])
  t.equal(shown.length, 4)
  t.ok(home.ids().some(([event, id]) => event === 'tweet.deleted' && id === theirs.id))
  const told = home.items.filter(({ event }) => event === 'notification')
  t.match(told.at(-1)?.data, { kind: 'like', people: [{ id: cho.id }] })
})

t.test("public has everyone's tweets but no retweets, and a hashtag those with it", async (t) => {
  const [everyones, tagged] = [await hear(ann.id, 'public'), await hear(ann.id, { tag: '#Birds' })]
  const [plain, first] = [await tweet(app, cho, 'Plain'), await tweet(app, eve, 'See #bIRDS')]
  await retweet(app, ben, plain.id)
  for (const one of [everyones, tagged]) await one.until(first.id)
  await removeTweet(app, eve, first.id)
  await drained(app)
  const second = await tweet(app, cho, '#birds again')
  for (const one of [everyones, tagged]) await one.until(second.id)
  const shown = everyones.items.filter(({ event }) => event === 'tweet').map(({ data }) => data)
  t.match(shown.sort(byId), [{ id: plain.id }, { id: first.id }, { id: second.id }])
  t.equal(shown.length, 3)
  t.strictSame(tagged.ids(), [
    ['tweet', first.id],
    ['tweet.deleted', first.id],
    ['tweet', second.id],
  ])
  const lastOf = (one: typeof tagged) => one.items.find(({ data }) => data === shown.at(-1))
  t.ok(lastOf(everyones))
  t.equal(lastOf(everyones), lastOf(tagged), 'one object, which can be rendered once')
  await t.rejects(hear(ann.id, { tag: '!' }), { code: 'HASHTAG_NOT_FOUND' })
  for (const one of [everyones, tagged]) one.stop()
})

t.test('authors who are blocked, muted, limited or suspended are not heard', async (t) => {
  const [viewer, blocked, muted, limited] = await people('Via', 'Bea', 'Mia', 'Lim')
  const [blocking, suspended] = await people('Bo', 'Sue')
  await relate(app, viewer, 'block', blocked)
  await relate(app, blocking, 'block', viewer)
  await relate(app, viewer, 'mute', muted)
  await relate(app, ann, 'follow', limited)
  const reason = 'Advertising'
  await app.moderation.actOn('limit', { userId: limited.id, reason })
  const ofViewer = await hear(viewer.id, 'public')
  const ofFollower = await hear(ann.id, { tag: 'news' })
  const written: number[] = []
  for (const one of [blocked, blocking, muted, limited, suspended])
    written.push((await tweet(app, one, '#news')).id)
  await drained(app)
  await app.moderation.actOn('suspend', { userId: suspended.id, reason })
  const parent = await tweet(app, blocking, 'Not for the viewer')
  const reply = await tweet(app, ben, '#news', { replyToId: parent.id })
  for (const one of [ofViewer, ofFollower]) await one.until(reply.id)
  const heard = (by: typeof ofViewer) => by.ids().map(([, id]) => id)
  t.notOk(heard(ofViewer).some((id) => written.slice(0, 4).includes(Number(id))))
  t.ok(written.slice(0, 4).every((id) => heard(ofFollower).includes(id)))
  t.match(ofViewer.items.at(-1), { data: { replyTo: { id: parent.id, author: null } } })
  t.match(ofFollower.items.at(-1), { data: { replyTo: { author: { id: blocking.id } } } })
  for (const one of [ofViewer, ofFollower]) one.stop()
})

t.test(
  'a listener that throws disturbs nobody, and one that has stopped hears nothing',
  async (t) => {
    await other.live.listen(ann.id, 'public', () => {
      throw new Error('broken')
    })
    const [stopped, staying] = [await hear(ann.id, 'public'), await hear(ann.id, 'public')]
    stopped.stop()
    const { id } = await tweet(app, cho, 'Still there')
    await staying.until(id)
    t.strictSame(stopped.items, [])
  },
)
