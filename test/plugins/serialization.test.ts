import fc from 'fast-check'
import t from 'tap'
import { SHARED } from '../../plugins/resources.ts'
import { extensionFolders, index, service } from '../extension-folder.ts'
import { call, like, read, setUp, signUp, tweet } from '../helper.ts'

// Parts that many answers share are serialized once and put together as bytes; nobody may notice.

const extension = extensionFolders(t)

/** Pages of tweets that a test gives, and of what another team makes of those that are written. */
const echo = extension('echo', {
  'service.js': service(
    `app.decorate('echoed', undefined)
    app.resources.addField(['TweetBody', 'Tweet'], 'mood', {
      schema: { type: 'string' },
      read: async (ids) => new Map(app.mood ? ids.map((id) => [id, app.mood]) : []),
    })
    app.decorate('mood', '')
    app.resources.addField(['TweetBody', 'Tweet'], 'quoted', {
      schema: schemas.nullable(schemas.ref('TweetBody')), read: async () => new Map(),
    })`,
    'echo',
    ['tweets.service'],
  ),
  'index.js': index(`
    const { PageOf, PageQuery } = schemas
    const answers = { 200: PageOf(schemas.ref('Tweet')), ...schemas.problems() }
    const schema = (operationId) => ({
      tags: ['echo'], summary: 'Echoes', operationId, security: [], response: answers,
    })
    app.get('/echo', { schema: schema('echo') }, async () => app.echoed())
    app.get('/whispers', { schema: { ...schema('whispers'), querystring: PageQuery } },
      async ({ query }) => {
        const page = await app.tweets.everyones(query)
        return { ...page, items: page.items.map((one) => ({ ...one, text: 'psst, ' + one.text })) }
      })
  `),
})

const app: any = await setUp(t, { EXTENSIONS: echo })
const ann = await signUp(app, 'Ann 🐦')
const ben = await signUp(app, '한글')

const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('"', '\\', '\n', '\u2028', 'é', '새', '🐦'),
    fc.string({ minLength: 1, maxLength: 1 }),
  ),
  maxLength: 40,
})
const author = fc.record({ id: fc.nat(), handle: text, name: text, avatar: fc.constant(null) })
const shared = fc.record({
  id: fc.integer({ min: 1 }),
  author: fc.option(author),
  text: fc.option(text),
  language: fc.option(fc.constantFrom('en', 'ko')),
  createdAt: fc.constant('2026-11-25T08:00:00.000Z'),
  deleted: fc.boolean(),
  replyTo: fc.option(fc.record({ id: fc.nat(), deleted: fc.boolean(), author: fc.option(author) })),
  likeCount: fc.nat(),
  retweetCount: fc.nat(),
  replyCount: fc.nat(),
})
const flags = fc.oneof(
  fc.constant({}),
  fc.record({ liked: fc.boolean(), retweeted: fc.boolean(), mood: text }),
)
const body = fc
  .tuple(shared, flags)
  .map(([part, own]) => ({ ...part, ...own, media: [], [SHARED]: part }))
const item = fc
  .tuple(body, fc.option(body), fc.oneof(fc.constant({}), fc.record({ quoted: fc.option(body) })))
  .map(([one, retweetOf, more]) => ({ ...one, ...more, retweetOf }))
const page = fc.record({ items: fc.array(item, { maxLength: 5 }), nextCursor: fc.option(text) })

/** Without what JSON has no place for. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

t.test('a page assembled from parts equals the serialized page', async (t) => {
  await fc.assert(
    fc.asyncProperty(page, async (page) => {
      for (const _ of ['serialized', 'remembered']) {
        app.echoed = () => page
        const answer = await app.inject('/v1/echo')
        t.equal(answer.statusCode, 200)
        t.equal(answer.headers['content-length'], String(answer.rawPayload.length))
        t.match(answer.headers['content-type'], /^application\/json/)
        t.strictSame(answer.json(), plain(page))
      }
    }),
    { numRuns: 50 },
  )
})

t.test('changes of an item in an answer are serialized', async (t) => {
  await tweet(app, ann, '"새" 🐦')
  const [first] = (await read(app, '/v1/tweets')).items
  t.equal(first.text, '"새" 🐦')
  t.match((await read(app, '/v1/whispers')).items, [{ text: 'psst, "새" 🐦', id: first.id }])
  t.match(
    (await read(app, '/v1/tweets')).items,
    [{ text: '"새" 🐦' }],
    'other answers are unchanged',
  )
})

t.test('shared parts are frozen', async (t) => {
  const parent = await tweet(app, ann, 'a parent')
  await tweet(app, ben, 'a reply', { replyToId: parent.id })
  const [reply] = (await app.tweets.everyones({ limit: 1 })).items
  t.throws(() => Object.assign(reply.replyTo, { author: null }), TypeError)
  t.throws(() => Object.assign(reply.author, { name: 'Nobody' }), TypeError)
  t.match((await read(app, '/v1/tweets')).items[0], { replyTo: { author: { name: 'Ann 🐦' } } })
})

t.test('fields of a viewer are not shared', async (t) => {
  const { id } = await tweet(app, ann, 'liked')
  await like(app, ben, id)
  const [mine] = (await read(app, '/v1/tweets', ann)).items
  const [his] = (await read(app, '/v1/tweets', ben)).items
  const [anyones] = (await read(app, '/v1/tweets')).items
  t.match(mine, { id, liked: false, likeCount: 1 })
  t.match(his, { id, liked: true, likeCount: 1 })
  t.notHas(anyones, { liked: false })
  app.mood = 'glad 🐦'
  t.match((await read(app, '/v1/tweets', ben)).items[0], { id, liked: true, mood: 'glad 🐦' })
})

t.test('shared parts follow changes', async (t) => {
  const { id } = await tweet(app, ann, 'by Ann')
  await read(app, '/v1/tweets')
  const { status } = await call(app, 'PATCH /v1/users/me', { as: ann, body: { name: 'Änn' } })
  t.equal(status, 200)
  t.match((await read(app, '/v1/tweets')).items[0], { id, author: { name: 'Änn' } })
})

t.test('a value that is not as declared fails the answer, not the ones after it', async (t) => {
  const part = { id: 1, author: null, text: null, createdAt: 'x', deleted: true, replyTo: null }
  const counts = { likeCount: 0, retweetCount: 0, replyCount: 0, language: null }
  const item = { ...part, ...counts, media: [], retweetOf: null }
  const broken = { ...item, likeCount: 'many' }
  app.echoed = () => ({ items: [{ ...broken, [SHARED]: broken }], nextCursor: null })
  t.equal((await app.inject('/v1/echo')).statusCode, 500)
  app.echoed = () => ({ items: [{ ...item, [SHARED]: item }], nextCursor: null })
  t.equal((await app.inject('/v1/echo')).statusCode, 200)
})

t.test('all documented schemas compile, which is left to the first request', async (t) => {
  const validators = (schema: any) =>
    ['body', 'params', 'querystring', 'headers']
      .filter((httpPart) => schema[httpPart])
      .map((httpPart) => app.validatorCompiler({ schema: schema[httpPart], httpPart }))
  const urls = Object.keys(app.swagger().paths).map((path) => path.replaceAll(/{\w+}/g, '1'))
  const schemas = urls.flatMap(app.routesAt).map(({ route }: any) => route.schema ?? {})
  const all = schemas.flatMap((schema: any) => [
    ...validators(schema),
    ...answersOf(schema).map((schema) => app.serializerCompiler({ schema })),
  ])
  t.ok(all.length > 500, `${all.length} schemas`)
  // An empty answer lacks fields, which only a compiled serializer knows.
  const expected = /^$|is required!$|does not match schema/
  t.strictSame(
    all.map(refusalOf).filter((text: string) => !expected.test(text)),
    [],
  )
})

const answersOf = ({ response = {} }: any): object[] =>
  Object.values(response).flatMap((answer: any) =>
    answer.content ? Object.values(answer.content).map(({ schema }: any) => schema) : [answer],
  )

function refusalOf(use: (value: object) => unknown) {
  try {
    use({ items: [] })
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
