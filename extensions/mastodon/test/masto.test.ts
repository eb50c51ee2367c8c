import { drained, like, relate, retweet, signUp, tweet } from 'birdhouse/testing'
import { createRestAPIClient, MastoHttpError } from 'masto'
import sharp from 'sharp'
import t from 'tap'
import { listening } from './client.ts'

// masto.js, the library of many browser clients, over HTTP.

const { app, url, tokenOf, call } = await listening(t)
const [ann, ben, cho] = [
  await signUp(app, 'Ann'),
  await signUp(app, 'Ben'),
  await signUp(app, 'Cho'),
]
const as = async (user: typeof ann) =>
  createRestAPIClient({ url, accessToken: await tokenOf(user) })
const [ofAnn, ofBen] = [await as(ann), await as(ben)]

const failure = (work: PromiseLike<unknown>) =>
  work.then(
    () => undefined,
    (error) => (error instanceof MastoHttpError ? error.statusCode : error),
  )
const picture = await sharp({
  create: { width: 40, height: 30, channels: 3, background: '#396' },
})
  .png()
  .toBuffer()

t.test('the instance and the own account', async (t) => {
  const v2 = await ofAnn.v2.instance.fetch()
  t.match(v2.version, /^4\.2\.0 \(compatible; Birdhouse \d/)
  t.equal(v2.configuration.statuses.maxCharacters, 300)
  t.match(await ofAnn.v1.instance.fetch(), { uri: new URL(url).host })
  const me = await ofAnn.v1.accounts.verifyCredentials()
  t.match(me, { id: String(ann.id), acct: ann.handle, source: { privacy: 'public' } })
  t.equal((await fetch(me.avatar)).headers.get('content-type'), 'image/png')
})

t.test('post with a picture and its text, reply, and read both ways', async (t) => {
  const media = await ofAnn.v2.media.create({
    file: new Blob([new Uint8Array(picture)], { type: 'image/png' }),
    description: 'Green',
  })
  t.match(media, { type: 'image', description: 'Green', meta: { original: { width: 40 } } })
  t.equal(
    (await ofAnn.v1.media.$select(media.id).update({ description: 'A meadow' })).description,
    'A meadow',
  )
  const status = await ofAnn.v1.statuses.create({
    status: `Hi @${ben.handle} <b> #Birds https://a.example/x?y=1&z. Yes`,
    mediaIds: [media.id],
  })
  t.equal(
    status.content,
    `<p>Hi <span class="h-card"><a href="${url}/@${ben.handle}" class="u-url mention">@<span>${ben.handle}</span></a></span> &#60;b&#62; <a href="${url}/tags/Birds" class="mention hashtag" rel="tag">#<span>Birds</span></a> <a href="https://a.example/x?y&#61;1&#38;z" target="_blank" rel="nofollow noopener noreferrer">https://a.example/x?y&#61;1&#38;z</a>. Yes</p>`,
  )
  t.match(status.mediaAttachments, [{ description: 'A meadow' }])
  t.match(status.mentions, [{ id: String(ben.id) }])
  t.match(status.tags, [{ name: 'Birds' }])
  const reply = await ofBen.v1.statuses.create({ status: 'Hello', inReplyToId: status.id })
  const last = await ofAnn.v1.statuses.create({ status: 'Again', inReplyToId: reply.id })
  t.equal(reply.inReplyToAccountId, String(ann.id))
  const { ancestors, descendants } = await ofAnn.v1.statuses.$select(reply.id).context.fetch()
  t.strictSame(
    ancestors.map(({ id }) => id),
    [status.id],
  )
  t.strictSame(
    descendants.map(({ id }) => id),
    [last.id],
  )
})

t.test('a thread is told branch by branch, also below a deleted status', async (t) => {
  const reply = async (to?: number) =>
    (await tweet(app, ann, 'thread', to === undefined ? {} : { replyToId: to })).id
  const root = await reply()
  const [first, second] = [await reply(root), await reply(root)]
  const [below, last] = [await reply(first), await reply(second)]
  const end = await reply(below)
  const context = async (id: number) => {
    const { ancestors, descendants } = await ofBen.v1.statuses.$select(String(id)).context.fetch()
    return [ancestors, descendants].map((some) => some.map((one) => Number(one.id)))
  }
  t.strictSame(await context(root), [[], [first, below, end, second, last]])
  t.strictSame(await context(below), [[root, first], [end]])
  const { id: boost } = await ofBen.v1.statuses.$select(String(below)).reblog()
  t.strictSame(await context(Number(boost)), [[root, first], [end]], 'the thread of its original')
  await ofAnn.v1.statuses.$select(String(first)).remove()
  t.strictSame(await context(root), [[], [below, end, second, last]])
  t.strictSame(await context(end), [[root, below], []])
  t.equal(await failure(ofBen.v1.statuses.$select(String(first)).context.fetch()), 404)
})

t.test('a video is refused with a sentence', async (t) => {
  const file = new Blob(['....ftypisom, a video'], { type: 'video/mp4' })
  t.equal(await failure(ofAnn.v2.media.create({ file })), 422)
})

t.test('what others would see otherwise than the author wants is refused in words', async (t) => {
  for (const more of [
    { visibility: 'private' as const },
    { visibility: 'direct' as const },
    { spoilerText: 'x' },
    { sensitive: true },
  ])
    t.equal(await failure(ofAnn.v1.statuses.create({ status: 'Secret', ...more })), 422)
  const statuses = await ofAnn.v1.accounts.$select(String(ann.id)).statuses.list()
  t.notOk(statuses.some(({ content }) => content.includes('Secret')))
})

t.test('the same Idempotency-Key posts once', async (t) => {
  const post = () =>
    ofAnn.v1.statuses.create(
      { status: 'Once' },
      { requestInit: { headers: { 'Idempotency-Key': 'k1' } } },
    )
  t.equal((await post()).id, (await post()).id)
})

t.test('like, boost and bookmark, and back', async (t) => {
  const { id } = await ofAnn.v1.statuses.create({ status: 'React' })
  const status = ofBen.v1.statuses.$select(id)
  t.match(await status.favourite(), { favourited: true, favouritesCount: 1 })
  const boost = await status.reblog()
  t.match(boost, {
    account: { id: String(ben.id) },
    reblog: { id, reblogged: true, reblogsCount: 1 },
  })
  t.not(boost.id, id)
  t.match(await status.bookmark(), { bookmarked: true })
  t.match(await status.favouritedBy.list(), [{ id: String(ben.id) }])
  t.match(await status.rebloggedBy.list(), [{ id: String(ben.id) }])
  t.match(await ofBen.v1.favourites.list(), [{ id }])
  t.match(await ofBen.v1.bookmarks.list(), [{ id }])
  t.match(await ofBen.v1.statuses.$select(boost.id).unreblog(), { id, reblogged: false })
  t.match(await status.unfavourite(), { favourited: false, favouritesCount: 0 })
  t.match(await status.unbookmark(), { bookmarked: false })
  t.strictSame([...(await ofBen.v1.favourites.list())], [])
})

t.test('a deleted status answers its text, and is then 404', async (t) => {
  const { id } = await ofAnn.v1.statuses.create({ status: 'Oops & co' })
  t.equal(await failure(ofBen.v1.statuses.$select(id).remove()), 404, 'by others')
  t.match(await ofAnn.v1.statuses.$select(id).remove(), { id, text: 'Oops & co' })
  t.equal(await failure(ofAnn.v1.statuses.$select(id).fetch()), 404)
})

t.test('find, follow, mute and block people', async (t) => {
  const found = await ofAnn.v1.accounts.search.list({ q: `@${ben.handle.toUpperCase()}` })
  t.match(found, [{ id: String(ben.id) }])
  t.match(await ofAnn.v1.accounts.lookup({ acct: `${ben.handle}@${new URL(url).host}` }), {
    id: String(ben.id),
  })
  t.equal(await failure(ofAnn.v1.accounts.lookup({ acct: `${ben.handle}@other.example` })), 404)
  const people = ofAnn.v1.accounts.$select(String(ben.id))
  t.match(await people.follow(), { id: String(ben.id), following: true })
  t.match(await people.mute(), { muting: true })
  t.match(await people.unmute(), { muting: false })
  t.match(await people.followers.list(), [{ id: String(ann.id) }])
  t.match(await ofAnn.v1.accounts.$select(String(ann.id)).following.list(), [
    { id: String(ben.id) },
  ])
  const ids = [String(ben.id), String(cho.id)]
  t.match(await ofAnn.v1.accounts.relationships.fetch({ id: ids }), [
    { id: ids[0], following: true },
    { id: ids[1], following: false },
  ])
  const other = ofAnn.v1.accounts.$select(String(cho.id))
  t.match(await other.block(), { blocking: true })
  t.match(await ofAnn.v1.blocks.list(), [{ id: String(cho.id) }])
  t.match(await other.unblock(), { blocking: false })
  t.match(await people.unfollow(), { following: false })
})

t.test('search finds people, a hashtag and a status by its address', async (t) => {
  t.match(await ofAnn.v2.search.list({ q: 'ben' }), { accounts: [{ id: String(ben.id) }] })
  t.match(await ofAnn.v2.search.list({ q: '#birds' }), {
    accounts: [],
    hashtags: [{ name: 'birds' }],
  })
  const status = await ofAnn.v1.statuses.create({ status: 'Findable' })
  t.match(await ofBen.v2.search.list({ q: status.url ?? '' }), { statuses: [{ id: status.id }] })
})

t.test('the timelines of people, of everyone and of a tag', async (t) => {
  await relate(app, cho, 'follow', ann)
  const status = await ofAnn.v1.statuses.create({ status: 'For everyone #Seoul' })
  await drained(app)
  const ofCho = await as(cho)
  t.match(await ofCho.v1.timelines.home.list({ limit: 1 }), [{ id: status.id }])
  t.match(await ofCho.v1.timelines.public.list({ limit: 1 }), [{ id: status.id }])
  t.match(await ofCho.v1.timelines.tag.$select('seoul').list(), [{ id: status.id }])
  const trends = await ofCho.v1.trends.tags.list()
  t.match(trends.find(({ name }) => name === 'Seoul')?.history, [{ accounts: '1' }])
  const anyone = createRestAPIClient({ url })
  t.match(await anyone.v1.timelines.public.list({ limit: 1 }), [{ id: status.id }])
  t.equal(await failure(anyone.v1.timelines.home.list()), 401)
})

t.test('notifications are one each, by type, with stable ids', async (t) => {
  const dan = await signUp(app, 'Dan')
  const ofDan = await as(dan)
  const mine = await tweet(app, dan, 'Notify me')
  for (const one of [ann, ben]) await like(app, one, mine.id)
  await retweet(app, ann, mine.id)
  await relate(app, ben, 'follow', dan)
  await tweet(app, ben, `Yes @${dan.handle}`, { replyToId: mine.id })
  await drained(app)
  const all = await ofDan.v1.notifications.list()
  t.strictSame(all.map(({ type }) => type).sort(), [
    'favourite',
    'favourite',
    'follow',
    'mention',
    'reblog',
  ])
  const likes = await ofDan.v1.notifications.list({ types: ['favourite'] })
  t.strictSame(
    likes.map(({ account }) => account.id).sort(),
    [String(ann.id), String(ben.id)].sort(),
  )
  const others = await ofDan.v1.notifications.list({
    excludeTypes: ['favourite', 'nonsense' as 'poll'],
  })
  t.equal(others.length, 3)
  const [first] = all
  t.match(await ofDan.v1.notifications.$select(first?.id ?? '').fetch(), { id: first?.id })
  t.ok((await ofDan.v1.notifications.unreadCount.fetch()).count > 0)
  await ofDan.v1.markers.create({ notifications: { lastReadId: first?.id ?? '' } })
  t.match(await ofDan.v1.markers.fetch({ timeline: ['notifications'] }), {
    notifications: { lastReadId: first?.id },
  })
  t.equal((await ofDan.v1.notifications.unreadCount.fetch()).count, 0)
})

t.test(
  'grouped notifications have accounts and statuses beside them, and can be dismissed',
  async (t) => {
    const fay = await signUp(app, 'Fay')
    const [mine, other] = [await tweet(app, fay, 'Group me'), await tweet(app, fay, 'And me')]
    for (const one of [ann, ben, cho]) await like(app, one, mine.id)
    await relate(app, ben, 'follow', fay)
    await retweet(app, cho, other.id)
    await drained(app)
    const token = await tokenOf(fay)
    const ofFay = createRestAPIClient({ url, accessToken: token })
    const page = await ofFay.v2.notifications.list()
    const likes = page.notificationGroups.find(({ type }) => type === 'favourite')
    t.match(likes, { notificationsCount: 3, statusId: String(mine.id) })
    t.equal(page.notificationGroups.length, 3)
    t.strictSame(likes?.sampleAccountIds.length, 3)
    t.equal(page.accounts.length, 3)
    t.strictSame(page.statuses.map(({ id }) => Number(id)).sort(), [mine.id, other.id])
    t.match(await ofFay.v2.notifications.unreadCount.fetch(), { count: 3 })

    const get = (path: string) => call(`GET /api/v2/notifications${path}`, token)
    const { body: partial } = await get('?expand_accounts=partial_avatars')
    t.equal(partial.accounts.length + partial.partial_accounts.length, 3)
    t.ok(partial.partial_accounts.every((one: object) => 'avatar' in one && !('note' in one)))

    const single = (await get('?types[]=favourite&grouped_types[]=reblog')).body
    t.strictSame(
      single.notification_groups.map(
        (one: { notifications_count: number }) => one.notifications_count,
      ),
      [1, 1, 1],
      'types that the client does not group are one each',
    )
    const keys: string[] = []
    for (let below = ''; ; ) {
      const { body, headers } = await get(`?limit=2&grouped_types[]=reblog${below}`)
      keys.push(...body.notification_groups.map((one: { group_key: string }) => one.group_key))
      const [, next] = /[?&](max_id=\d+)>; rel="next"/.exec(headers.get('link') ?? '') ?? []
      if (!next) break
      below = `&${next}`
    }
    t.equal(keys.length, 5, 'pages of groups and single ones have each once')
    t.equal(new Set(keys).size, 5)

    const key = likes?.groupKey ?? ''
    const one = ofFay.v2.notifications.$select(key)
    t.match((await one.fetch()).notificationGroups, [{ groupKey: key }])
    const firstPage = await call(`GET /api/v2/notifications/${key}/accounts?limit=2`, token)
    const [, next = ''] = /<([^>]*)>; rel="next"/.exec(firstPage.headers.get('link') ?? '') ?? []
    const lastPage = await call(`GET ${next.replace(url, '')}`, token)
    t.strictSame(
      [...firstPage.body, ...lastPage.body].map(({ acct }) => acct).sort(),
      [ann, ben, cho].map(({ handle }) => handle).sort(),
    )
    t.equal(lastPage.headers.get('link')?.includes('rel="next"'), false)
    await one.dismiss()
    t.equal(await failure(one.fetch()), 404)
    t.equal(await failure(one.dismiss()), 404)
    t.equal((await get('/nonsense')).status, 404)

    const [first, second] = await ofFay.v1.notifications.list()
    t.equal(
      await failure(ofBen.v1.notifications.$select(first?.id ?? '').dismiss()),
      404,
      'by others',
    )
    await ofFay.v1.notifications.$select(first?.id ?? '').dismiss()
    t.match(await ofFay.v1.notifications.list(), [{ id: second?.id }])
    await ofFay.v1.notifications.clear()
    t.strictSame([...(await ofFay.v1.notifications.list())], [])
    t.match(await ofFay.v1.notifications.unreadCount.fetch(), { count: 0 })
    await like(app, ann, other.id)
    await drained(app)
    t.equal((await ofFay.v1.notifications.list()).length, 1, 'later ones arrive')
  },
)

t.test('what is not here is empty or 404, and never null', async (t) => {
  t.strictSame([...(await ofAnn.v1.customEmojis.list())], [])
  t.strictSame([...(await ofAnn.v2.filters.list())], [])
  t.strictSame([...(await ofAnn.v1.lists.list())], [])
  t.match(await ofAnn.v1.preferences.fetch(), { 'posting:default:visibility': 'public' })
  t.equal(await failure(ofAnn.v1.polls.$select('1').fetch()), 404)
  t.equal(await failure(ofAnn.v1.statuses.$select('x').fetch()), 404)
})

t.test('a token that may read may not write', async (t) => {
  const reader = createRestAPIClient({ url, accessToken: await tokenOf(ann, 'read') })
  t.equal(await failure(reader.v1.statuses.create({ status: 'no' })), 403)
  t.ok(await reader.v1.timelines.home.list())
  const narrow = createRestAPIClient({ url, accessToken: await tokenOf(ann, 'read:notifications') })
  t.equal(await failure(narrow.v1.timelines.home.list()), 403)
  t.ok(await narrow.v1.notifications.list())
})
