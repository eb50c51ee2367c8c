import t from 'tap'
import { extensionFolders, index, refusals, service } from '../extension-folder.ts'
import { call, settings, setUp } from '../helper.ts'

// An extension that would change the routes of others stops the start.

const env = await settings(t)
const extension = extensionFolders(t)
const refusal = refusals(env)
let count = 0

const afterTweets = (body: string) => ({ 'service.js': service(body, 'own', ['tweets.service']) })

const SETTERS = {
  setValidatorCompiler: '() => () => true',
  setSerializerCompiler: "() => () => '{}'",
  setReplySerializer: "() => '{}'",
  setErrorHandler: "(error, request, reply) => reply.send('fine')",
  setNotFoundHandler: "(request, reply) => reply.send('found')",
  setSchemaErrorFormatter: "() => new Error('wrong')",
  addContentTypeParser: "'text/plain', (request, payload, done) => done(null, {})",
  removeContentTypeParser: "'application/json'",
  removeAllContentTypeParsers: '',
}

for (const [name, args] of Object.entries(SETTERS)) {
  t.test(`${name} in a service`, async (t) => {
    const said = await refusal(t, [
      extension(`setter-${++count}`, afterTweets(`app.${name}(${args})`)),
    ])
    t.match(said, `Extension setter-${count}: its service calls ${name}, which changes every route`)
  })
}

const READY = (body: string) => `app.addHook('onReady', async () => { ${body} })`
const REPLACED: [string, string, Record<string, string>][] = [
  ['a service', 'app.tweets', afterTweets('app.tweets = { ...app.tweets }')],
  ['a function of a service', 'app.tweets.get', afterTweets('app.tweets.get = async () => {}')],
  ['a function, in index', 'app.jobs.add', { 'index.js': index('app.jobs.add = async () => {}') }],
  ['a function, when ready', 'app.users.get', { 'index.js': index(READY('delete app.users.get')) }],
  ['a table', 'app.tables.users', afterTweets('app.tables.users = app.tables.tweets')],
  ['a setting', 'app.config.logLevel', afterTweets("app.config.logLevel = 'silent!'")],
  ['a method of an instance', 'app.db.select', afterTweets('app.db.select = () => {}')],
  [
    'a method of the log, in index',
    'app.log.error',
    { 'index.js': index('app.log.error = () => {}') },
  ],
  ['a function of Fastify', 'app.decorate', afterTweets('app.decorate = () => {}')],
]

for (const [what, name, files] of REPLACED) {
  t.test(`an extension replaces ${what}`, async (t) => {
    const said = await refusal(t, [extension(`replacer-${++count}`, files)])
    t.match(said, `Extension replacer-${count}: it replaces ${name}, which others use; `)
  })
}

t.test('an extension replaces a function of another extension', async (t) => {
  const nest = extension('nest', {
    'service.js': service('app.decorate("nest", { find: () => 1 })', 'nest'),
  })
  const cuckoo = extension('cuckoo', {
    'service.js': service('app.nest.find = () => 2', 'cuckoo', ['nest.service']),
  })
  t.match(await refusal(t, [cuckoo, nest]), 'Extension cuckoo: it replaces app.nest.find')
})

const reply = "async () => 'mine'"
const TAKING: [string, string][] = [
  ["app.all('/*'", '/v1/*'],
  ["app.get('/:anything'", '/v1/:anything'],
  ["app.get('/tweets/*'", '/v1/tweets/*'],
  ["app.get('/users/:id/:anything'", '/v1/users/:id/:anything'],
]

for (const [line, url] of TAKING) {
  t.test(`the route ${url} takes paths of others`, async (t) => {
    const name = `taking-${++count}`
    const said = await refusal(t, [extension(name, { 'index.js': index(`${line}, ${reply})`) })])
    t.match(said, `Extension ${name}: the route ${url} also takes unknown paths below `)
  })
}

t.test('a route below an open route of another extension is refused in any order', async (t) => {
  const open = extension('open', { 'index.js': index(`app.get('/open/*', ${reply})`) })
  const below = extension('below', { 'index.js': index(`app.get('/open/door', ${reply})`) })
  t.match(
    await refusal(t, [below, open]),
    'Extension open: the route /v1/open/* also takes unknown paths below /v1/open/',
  )
  t.match(
    await refusal(t, [open, below]),
    'Extension below: the route /v1/open/door is below /v1/open/, where open takes all paths',
  )
})

t.test('a handler of unknown paths below /v1 takes those of others', async (t) => {
  const files = { 'index.js': index(`app.setNotFoundHandler(${reply})`) }
  const said = await refusal(t, [extension('finder', files)])
  t.match(said, 'Extension finder: setNotFoundHandler also takes unknown paths below /v1/')
})

t.test('an extension adds a method to an existing path', async (t) => {
  const body = `app.patch('/tweets/:tweetId', { schema: { hide: true } }, ${reply})`
  const app = await setUp(t, { EXTENSIONS: extension('editor', { 'index.js': index(body) }) })
  t.equal((await call(app, 'PATCH /v1/tweets/1')).body, 'mine')
})

t.test('an extension has all paths below its own', async (t) => {
  const body = `
    app.get('/nest/*', { schema: { hide: true } }, async ({ params }) => params['*'])
    app.get('/nest/eggs/:egg', { schema: { hide: true } }, async ({ params }) => params.egg)
    app.register(async (own) => own.setNotFoundHandler(${reply}), { prefix: '/nest-two' })`
  const app = await setUp(t, { EXTENSIONS: extension('aerie', { 'index.js': index(body) }) })
  t.equal((await call(app, 'GET /v1/nest/a/b')).body, 'a/b')
  t.equal((await call(app, 'GET /v1/nest/eggs/3')).body, '3')
  t.equal((await call(app, 'GET /v1/nest-two/nowhere')).body, 'mine')
  t.equal((await call(app, 'GET /v1/nowhere')).body.code, 'ROUTE_NOT_FOUND')
})

const schema = (parts: string) => index(`app.post('/own', { schema: ${parts} }, ${reply})`)
const SCHEMAS: Record<string, Record<string, string>> = {
  'a body': { 'index.js': schema("{ body: { type: 'nonsense' } }") },
  'a pattern': {
    'index.js': schema("{ body: { type: 'object', properties: { a: { pattern: '(' } } } }"),
  },
  'an answer': { 'index.js': schema("{ response: { 200: { $ref: 'Nowhere' } } }") },
  'a field': {
    'service.js': service(
      "app.resources.addField(['User'], 'own', { schema: { $ref: 'Nowhere' }, read: () => new Map() })",
      'own',
      ['users.service'],
    ),
  },
}

for (const [what, files] of Object.entries(SCHEMAS)) {
  t.test(`the schema of ${what} does not compile`, async (t) => {
    const name = `unsound-${++count}`
    const EXTENSIONS = extension(name, files)
    t.match(
      await refusal(t, [EXTENSIONS]),
      new RegExp(`^Extension ${name}: .*(data/type|pattern|Nowhere)`),
    )
    const app = await setUp(t, { EXTENSIONS, EXTENSIONS_OPTIONAL: name })
    t.strictSame((await call(app, 'GET /readyz')).body.skippedExtensions, [name])
  })
}
