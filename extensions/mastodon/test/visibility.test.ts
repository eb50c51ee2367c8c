import { drained, like, relate, signUp, tweet } from 'birdhouse/testing'
import t from 'tap'
import { listening } from './client.ts'

// The rules of who sees whom hold in this API as in Birdhouse's own.

const PUBLIC_URL = 'https://birds.example'
const { app, tokenOf, call } = await listening(t, { PUBLIC_URL })
const [ann, ben, eve] = [
  await signUp(app, 'Ann'),
  await signUp(app, 'Ben'),
  await signUp(app, 'Eve'),
]
const token = await tokenOf(ann)
const mine = await tweet(app, ann, 'Mine')
const theirs = [
  await tweet(app, eve, 'QEVE #seen'),
  await tweet(app, eve, `QEVE @${ann.handle}`, { replyToId: mine.id }),
]
await like(app, eve, mine.id)
await relate(app, ann, 'follow', eve)
await relate(app, eve, 'follow', ben)
await relate(app, ben, 'follow', ann)
await like(app, ann, theirs[0].id)
await drained(app)

const PATHS = [
  '/api/v1/timelines/home',
  '/api/v1/timelines/public',
  '/api/v1/timelines/tag/seen',
  '/api/v1/favourites',
  '/api/v1/notifications',
  '/api/v1/accounts/search?q=eve',
  '/api/v2/search?q=eve',
  `/api/v2/search?q=${PUBLIC_URL}/@${eve.handle}/${theirs[0].id}`,
  `/api/v1/accounts/${ben.id}/followers`,
  `/api/v1/statuses/${mine.id}/favourited_by`,
  `/api/v1/statuses/${mine.id}/context`,
  `/api/v1/statuses/${theirs[0].id}`,
  `/api/v1/accounts/${eve.id}`,
  `/api/v1/accounts/${eve.id}/statuses`,
  `/api/v1/accounts/lookup?acct=${eve.handle}`,
]
/** The paths whose answers show the account. */
async function shown() {
  const answers = PATHS.map(async (path) => {
    const { body } = await call(`GET ${path}`, token)
    return JSON.stringify(body).includes(`"acct":"${eve.handle}"`) ? [path] : []
  })
  return (await Promise.all(answers)).flat()
}

t.test('links have the public address', async (t) => {
  const { body } = await call(`GET /api/v1/statuses/${mine.id}`, token)
  t.equal(body.url, `${PUBLIC_URL}/@${ann.handle}/${mine.id}`)
  const { headers } = await call('GET /api/v1/timelines/public?limit=1', token)
  t.match(headers.get('link'), `<${PUBLIC_URL}/api/v1/timelines/public?limit=1&max_id=`)
  t.equal((await call('GET /api/v1/instance')).body.uri, 'birds.example')
})

t.test('a suspended account is nowhere, and comes back', async (t) => {
  t.strictSame(await shown(), PATHS)
  await app.moderation.actOn('suspend', { userId: eve.id, reason: 'Advertising' })
  t.strictSame(await shown(), [])
  await app.moderation.actOn('restore', { userId: eve.id, reason: 'A mistake' })
  t.strictSame(await shown(), PATHS)
})

t.test('a person who blocks the viewer is nowhere', async (t) => {
  await app.graph.block(eve.id, ann.id)
  await drained(app)
  t.strictSame(await shown(), [])
})
