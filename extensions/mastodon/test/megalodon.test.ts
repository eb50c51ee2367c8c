import { drained, signUp } from 'birdhouse/testing'
import { detector, Mastodon } from 'megalodon'
import t from 'tap'
import { listening } from './client.ts'

// megalodon, the library of Whalebird and others, asks first which software a server is.

const { app, url, tokenOf } = await listening(t)

t.test('megalodon takes the server for Mastodon, and reads and writes', async (t) => {
  t.equal(await detector(url), 'mastodon')
  const ann = await signUp(app, 'Ann')
  const client = new Mastodon(url, await tokenOf(ann))
  t.match((await client.getInstance()).data, { uri: new URL(url).host })
  const { data: posted } = await client.postStatus('Hello #birds', {})
  t.match(posted, { plain_content: null, tags: [{ name: 'birds' }] })
  await drained(app)
  t.match((await client.getHomeTimeline()).data, [{ id: (posted as { id: string }).id }])
  t.match((await client.search('ann', { type: 'accounts' })).data, {
    accounts: [{ id: String(ann.id) }],
  })
  t.strictSame((await client.getNotifications()).data, [])
})
