import { sql } from 'drizzle-orm'
import t from 'tap'
import { extensionFolders, index, refusals, service } from '../extension-folder.ts'
import { call, read, settings, setUp, signUp } from '../helper.ts'

const extension = extensionFolders(t)

const places = extension('places', {
  'service.js': `
    import { sql } from 'drizzle-orm'
    ${service(
      `
    app.tweets.addInput('place', {
      schema: { type: 'string', maxLength: 20, description: 'Where you are.' },
      write: async (tx, { tweetId, authorId, value }) => {
        if (value === 'nowhere') throw Object.assign(new Error('Say where.'), { statusCode: 422, code: 'NO_PLACE' })
        if (value === 'far away') await new Promise(() => {})
        await tx.execute(sql\`INSERT INTO places (tweet_id, author_id, name) VALUES (\${tweetId}, \${authorId}, \${value})\`)
      },
    })
    app.tweets.beforeCreate(async ({ text, place }) => (place ? { text: text + ' @' + place } : undefined))
    app.resources.addField(['TweetBody', 'Tweet'], 'place', {
      schema: { type: 'string' },
      read: async (ids, { db }) => {
        const [rows] = await db.execute(sql\`SELECT * FROM places WHERE tweet_id IN \${ids}\`)
        return new Map(rows.map((row) => [row.tweet_id, row.name]))
      },
    })`,
      'places',
      ['tweets.service'],
    )}`,
})

const app: any = await setUp(t, { EXTENSIONS: places })
const ada = await signUp(app, 'Ada')
await app.db.execute(sql`CREATE TABLE places (tweet_id BIGINT, author_id BIGINT, name TEXT)`)
const post = (body: object, headers = {}) =>
  call(app, 'POST /v1/tweets', { as: ada, body, headers })
const rows = async () => (await app.db.execute(sql`SELECT * FROM places`))[0]

t.test('an input is validated, written with the tweet and read at once', async (t) => {
  const { status, body } = await post({ text: 'hello', place: 'home' })
  t.equal(status, 201)
  t.match(body, { text: 'hello @home', place: 'home' })
  t.match(await rows(), [{ tweet_id: body.id, author_id: ada.id, name: 'home' }])
  t.equal((await read(app, `/v1/tweets/${body.id}`)).place, 'home')
  t.notOk('place' in (await post({ text: 'no place' })).body, 'it is optional')
  for (const place of [1, 'x'.repeat(21), null])
    t.match((await post({ text: 'x', place })).body, {
      status: 400,
      errors: [{ path: '/body/place' }],
    })
  t.match((await post({ text: 'x', plaice: 'home' })).status, 400)
  t.equal((await rows()).length, 1)
})

t.test('an input that fails or is late rejects the tweet', async (t) => {
  const before = (await read(app, '/v1/tweets')).items[0].id
  t.match((await post({ text: 'x', place: 'nowhere' })).body, { status: 422, code: 'NO_PLACE' })
  t.match((await post({ text: 'x', place: 'far away' })).body, {
    status: 503,
    code: 'CHECK_TIMED_OUT',
  })
  t.equal((await read(app, '/v1/tweets')).items[0].id, before)
})

t.test('a repeated request writes its input once', async (t) => {
  const headers = { 'idempotency-key': 'once' }
  const before = (await rows()).length
  const first = await post({ text: 'again', place: 'work' }, headers)
  t.match((await post({ text: 'again', place: 'work' }, headers)).body, {
    id: first.body.id,
    place: 'work',
  })
  t.equal((await rows()).length, before + 1)
  const other = await post({ text: 'again', place: 'pub' }, headers)
  t.equal(other.body.code, 'IDEMPOTENCY_KEY_REUSED')
})

t.test('the document has the input', (t) => {
  const { schema } = app.swagger().paths['/v1/tweets'].post.requestBody.content['application/json']
  t.match(schema.properties.place, { type: 'string', description: 'Where you are.' })
  t.end()
})

t.test('an input that cannot be added stops the boot with the name of its extension', async (t) => {
  const refusal = refusals(await settings(t))
  const add = (name: string, schema: string) =>
    `app.tweets.addInput('${name}', { schema: ${schema}, write: async () => {} })`
  const inService = (body: string) => ({ 'service.js': service(body, 'own', ['tweets.service']) })
  for (const [name, files, message] of [
    ['taken', inService(add('text', "{ type: 'string' }")), 'The input text of a tweet is taken'],
    ['unsound', inService(add('mood', "{ type: 'nonsense' }")), 'schema is invalid'],
    ['too-late', { 'index.js': index(add('mood', "{ type: 'string' }")) }, 'is added too late'],
  ] as const)
    t.match(
      await refusal(t, [extension(name, files)]),
      new RegExp(`^Extension ${name}: .*${message}`),
    )
})
