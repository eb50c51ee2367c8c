import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { drained, like, relate, signUp, tweet } from 'birdhouse/testing'
import { detector, type Entity, Mastodon } from 'megalodon'
import sharp from 'sharp'
import t from 'tap'
import { listening } from './client.ts'

// megalodon, the library of Whalebird and others, asks first which software a server is.

const { app, url, tokenOf } = await listening(t)
const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]
const [token, ofBen] = [await tokenOf(ann), await tokenOf(ben)]
const client = new Mastodon(url, token)
await relate(app, ann, 'follow', ben)
const post = async (text: string, options = {}) =>
  // Without a date the answer is a status.
  (await client.postStatus(text, options)).data as Entity.Status
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error) => error.response?.status ?? error,
  )

t.test('megalodon takes the server for Mastodon, and reads and writes', async (t) => {
  t.equal(await detector(url), 'mastodon')
  t.match((await client.getInstance()).data, { uri: new URL(url).host })
  const posted = await post('Hello #birds')
  t.match(posted, { plain_content: null, tags: [{ name: 'birds' }] })
  await drained(app)
  t.match((await client.getHomeTimeline()).data, [{ id: posted.id }])
  t.match((await client.search('ann', { type: 'accounts' })).data, {
    accounts: [{ id: String(ann.id) }],
  })
  t.strictSame((await client.getNotifications()).data, [])
})

t.test('the profile is changed, with its fields', async (t) => {
  const { data } = await client.updateCredentials({
    display_name: 'Ann A',
    note: 'Hi',
    bot: true,
    discoverable: true,
    fields_attributes: [{ name: 'Site', value: 'None' }],
  })
  t.match(data, {
    display_name: 'Ann A',
    bot: true,
    fields: [{ name: 'Site', value: 'None', verified_at: null }],
    source: { note: 'Hi', fields: [{ name: 'Site', value: 'None' }] },
  })
  t.match((await client.verifyAccountCredentials()).data, data)
  t.equal(await failure(client.updateCredentials({ locked: true })), 422)
})

t.test('a picture is sent as multipart, described and posted', async (t) => {
  const create = { width: 40, height: 30, channels: 3, background: '#396' } as const
  const path = join(t.testdir(), 'bird.png')
  await sharp({ create }).toFile(path)
  const { data: media } = await client.uploadMedia(createReadStream(path), { description: 'Green' })
  t.match(media, { type: 'image', description: 'Green' })
  t.match((await client.updateMedia(media.id, { description: 'Grass' })).data, {
    description: 'Grass',
  })
  const status = await post('Look', { media_ids: [media.id], visibility: 'public' })
  t.match(status.media_attachments, [{ id: media.id, description: 'Grass' }])
  t.match((await client.getStatusSource(status.id)).data, { id: status.id, text: 'Look' })
  t.equal(await failure(client.postStatus('Secret', { visibility: 'private' })), 422)
  t.equal(await failure(client.editStatus(status.id, { status: 'x' })), 422)
})

t.test('notifications are dismissed, one and all', async (t) => {
  const mine = await tweet(app, ann, 'Like me')
  await like(app, ben, mine.id)
  await relate(app, ben, 'follow', ann)
  await drained(app)
  const all = (await client.getNotifications()).data
  t.strictSame(all.map(({ type }) => type).sort(), ['favourite', 'follow'])
  const [first, second] = all
  await client.dismissNotification(first?.id ?? '')
  t.match((await client.getNotifications()).data, [{ id: second?.id }])
  t.match((await client.getNotification(second?.id ?? '')).data, { id: second?.id })
  await client.dismissNotifications()
  t.strictSame((await client.getNotifications()).data, [])
})

t.test('people are suggested and reported', async (t) => {
  const eve = await signUp(app, 'Eve')
  await relate(app, ben, 'follow', eve)
  const suggested = (await client.getSuggestions(5)).data
  t.match(suggested, [{ id: String(eve.id) }])
  const bad = await tweet(app, eve, 'Buy this')
  const { data } = await client.report(String(eve.id), {
    status_ids: [String(bad.id)],
    comment: 'Spam',
    category: 'spam',
  })
  t.match(data, { category: 'spam', status_ids: [String(bad.id)], action_taken: false })
})

t.test('a stream of megalodon hears posts, notifications and deletions', async (t) => {
  const stream = await client.userStreaming()
  t.teardown(() => stream.stop())
  await once(stream, 'connect')
  const heard = { update: once(stream, 'update'), notification: once(stream, 'notification') }
  const deleted = once(stream, 'delete')
  // The stream begins after the connection.
  while (app.live.count(ann.id) === 0) await new Promise(setImmediate)
  const status = await new Mastodon(url, ofBen).postStatus(`Hello @${ann.handle}`, {})
  const [update] = (await heard.update) as [Entity.Status]
  t.match(update, { id: (status.data as Entity.Status).id, account: { acct: ben.handle } })
  const [told] = (await heard.notification) as [Entity.Notification]
  t.match(told, { type: 'mention', status: { id: update.id } })
  await app.tweets.remove(Number(update.id), ben.id)
  t.strictSame(await deleted, [update.id])
})
