import t from 'tap'
import { createJobAdmin } from '../../plugins/jobs/admin.ts'
import { extensionFolders, service } from '../extension-folder.ts'
import { call, drained, read, retweet, setUp, signUp, tweet } from '../helper.ts'

// Extensions at run time, good and bad, and the effects on everyone else.

const extension = extensionFolders(t)
const TWEETS = ['tweets.service']

const badges = extension('badges', {
  'service.js': service(
    `
    const badge = { type: 'string' }
    app.decorate('badgeCalls', [])
    const read = async (ids, context) => {
      app.badgeCalls.push({ ids, viewerId: context.viewerId })
      for (const item of context.items) Reflect.set(item, 'id', 0)
      return new Map(ids.filter((id) => id % 2 === 1).map((id) => [id, 'badge ' + id]))
    }
    for (const names of [['TweetBody', 'Tweet'], ['UserSummary'], ['User'], ['OwnUser']])
      app.resources.addField(names, 'badge', { schema: badge, read })
    app.resources.addField(['TweetBody', 'Tweet'], 'broken', {
      schema: { type: 'string' }, read: () => { throw new Error('no badge today') },
    })
    for (const [name, value] of [['noMap', {}], ['misfit', new Map([[1, { a: 1 }], [2, { a: 1 }]])]])
      app.resources.addField(['TweetBody', 'Tweet'], name, {
        schema: { type: 'string' }, read: async () => value,
      })
    app.resources.addField(['TweetBody', 'Tweet'], 'slow', {
      schema: { type: 'string' },
      read: (ids) => app.slowFields ? new Promise(() => {}) : Promise.resolve(new Map()),
    })
    app.decorate('slowFields', false)`,
    'badges',
    TWEETS,
  ),
})

const wordFilter = extension('word-filter', {
  'service.js': `
    import createError from '@fastify/error'
    ${service(
      `
    const Refused = createError('RUDE', 'Be kind: %s.', 422)
    app.tweets.beforeCreate(async ({ text, authorId, replyToId }) => {
      if (text.includes('rude')) throw new Refused('no rudeness')
      if (text.includes('crash')) throw new Error('the spam model is gone')
      if (text.includes('hang')) await new Promise(() => {})
      if (text.includes('long')) return { text: 'x'.repeat(301) }
      return { text: text.replaceAll('darn', '****') }
    })
    app.tweets.beforeCreate(async ({ text }) => text === '****' ? { text: 'censored' } : undefined)
    app.tweets.addFilter(({ list, viewerId }) => {
      app.filtered.push(list)
      const { tweets } = app.tables
      return list === 'timeline' ? notLike(tweets.text, '%spoiler%') : undefined
    })
    app.decorate('filtered', [])`,
      'word-filter',
      TWEETS,
    )}`.replace('import createError', "import { notLike } from 'drizzle-orm'\nimport createError"),
})

const trouble = extension('trouble', {
  'service.js': service(
    `
    app.decorate('trouble', { threw: 0 })
    const options = { maxAttempts: 1 }
    app.events.subscribe('tweet.created', 'trouble.throws', async () => {
      app.trouble.threw++
      throw new Error('always')
    }, options)
    app.health.addCheck('weather', async () => { throw new Error('rain') })
    app.health.addCheck('sun', () => 'shines')
    app.health.addCheck('fog', () => new Promise((resolve) => setTimeout(resolve, 1_200)))`,
    'trouble',
  ),
})

const EXTENSIONS = [badges, wordFilter, trouble].join(',')
const app: any = await setUp(t, { EXTENSIONS })
const [ada, bo] = [await signUp(app, 'Ada'), await signUp(app, 'Bo')]

t.test('a field is read once per page and is in every answer and in the document', async (t) => {
  for (let i = 0; i < 5; i++) await tweet(app, ada, `tweet ${i}`)
  await drained(app)
  app.badgeCalls.length = 0
  const { items } = await read(app, '/v1/tweets?limit=5', bo)
  for (const { id, badge, author } of items) {
    t.equal(badge, id % 2 === 1 ? `badge ${id}` : undefined)
    t.equal(author.badge, author.id % 2 === 1 ? `badge ${author.id}` : undefined)
  }
  t.strictSame(
    app.badgeCalls.map(({ ids, viewerId }: any) => [ids.length, viewerId]),
    [
      [5, bo.id],
      [1, bo.id],
    ],
    'one call for the tweets, one for their authors',
  )
  await retweet(app, bo, items[0].id)
  const [shared] = (await read(app, `/v1/users/${bo.id}/tweets`)).items
  t.equal(shared.retweetOf.badge, items[0].badge)
  t.equal((await read(app, `/v1/users/${ada.id}`)).badge, `badge ${ada.id}`)
  t.equal((await read(app, '/v1/users/me', ada)).badge, `badge ${ada.id}`)
  const { components } = app.swagger()
  for (const name of ['Tweet', 'TweetBody', 'UserSummary', 'User', 'OwnUser'])
    t.match(components.schemas[name].properties.badge, { type: 'string' }, name)
})

t.test('a field that fails or hangs is left out', async (t) => {
  const { id } = await tweet(app, ada, 'fields')
  app.slowFields = true
  const begin = performance.now()
  const { items } = await read(app, '/v1/tweets?limit=1')
  const took = performance.now() - begin
  app.slowFields = false
  t.equal(items[0].id, id)
  for (const name of ['broken', 'slow', 'noMap', 'misfit']) t.notOk(name in items[0], name)
  t.ok(took > 900 && took < 2_500, `after ${Math.round(took)} ms`)
})

t.test('a hook rejects or changes a tweet before it is written', async (t) => {
  const post = (text: string) => call(app, 'POST /v1/tweets', { as: ada, body: { text } })
  const before = (await read(app, '/v1/tweets')).items[0].id
  t.match((await post('how rude')).body, {
    status: 422,
    code: 'RUDE',
    detail: 'Be kind: no rudeness.',
  })
  t.match((await post('crash it')).body, { status: 500, code: 'INTERNAL_ERROR' })
  t.match((await post('too long then')).body, { status: 400, code: 'VALIDATION_FAILED' })
  const late = await post('hang on')
  t.match(late.body, { status: 503, code: 'CHECK_TIMED_OUT' })
  t.ok(late.headers['retry-after'])
  t.equal((await read(app, '/v1/tweets')).items[0].id, before, 'none of them was written')
  t.equal((await post('darn it')).body.text, '**** it')
  t.equal((await post('darn')).body.text, 'censored', 'each hook gets what the one before left')
  const flat = await call(app, 'POST /tweet', {
    headers: { authorization: ada.token },
    body: { tweet: 'rude as well' },
  })
  t.equal(flat.status, 422)
})

t.test('a filter applies to the lists it names', async (t) => {
  const { id } = await tweet(app, ada, 'a spoiler')
  const shown = async (path: string) =>
    (await read(app, path, ada)).items.some((item: any) => item.id === id)
  t.notOk(await shown('/v1/timeline'))
  t.ok(await shown('/v1/tweets'))
  t.equal((await read(app, `/v1/tweets/${id}`, ada)).id, id, 'a single tweet is not filtered')
  await Promise.all(
    [`/v1/users/${ada.id}/tweets`, `/v1/users/${ada.id}/likes`, `/v1/tweets/${id}/replies`].map(
      shown,
    ),
  )
  const kinds = ['timeline', 'tweets', 'tweets-by', 'liked-by', 'replies']
  t.strictSame([...new Set(app.filtered)].sort(), kinds.sort())
})

t.test('a failing health check of an extension keeps /readyz at 200', async (t) => {
  const { status, body } = await call(app, 'GET /readyz')
  t.equal(status, 200)
  t.match(body, { status: 'ready', checks: { database: 'ok', weather: 'failed', sun: 'ok' } })
  t.equal(body.checks.fog, 'failed', 'nobody waits for one that takes longer than half a second')
})

t.test('a failing job becomes dead, is counted, listed and can be retried', async (t) => {
  await drained(app)
  const admin = createJobAdmin(app.db)
  const failed = { state: 'dead', name: 'trouble.throws' } as const
  const before = await admin.list(failed, 50)
  t.equal(before.total, app.trouble.threw)
  const { id } = await tweet(app, ada, 'makes trouble')
  await drained(app)
  const { items, total } = await admin.list(failed, 1)
  t.equal(total, before.total + 1)
  t.match(items[0], { attempts: 1, error: 'Error: always' })
  t.match(await admin.find(items[0]?.id ?? 0), { payload: { tweetId: id } })
  t.equal((await read(app, '/readyz')).deadJobs, total)
  const ran = app.trouble.threw
  t.equal(await admin.reviveAll('trouble.throws'), total)
  await drained(app)
  t.equal(app.trouble.threw, ran + total, 'each ran again')
})
