import t from 'tap'
import { extensionFolders, type Files, index, refusals, service } from '../extension-folder.ts'
import { call, settings, setUp } from '../helper.ts'

// One extension for each way to go wrong at boot, and what is said about it.

const env = await settings(t)
const extension = extensionFolders(t)
const refusal = refusals(env)
let count = 0

type Case = [what: string, files: Files, sentence: RegExp]

const route = (options: string) => `app.get(${options}, async () => 'hello')`
const migration = (sql: string): Files => ({ 'migrations/0000_first.sql': sql })
const tables = (source: string): Files => ({
  'tables.js': `import { bigint, mysqlTable } from 'drizzle-orm/mysql-core'\n${source}`,
})
const config = (source: string): Files => ({
  'config.js': `import { Type } from 'typebox'\nexport default Type.Object({ ${source} })`,
})

const CASES: Case[] = [
  ['no kernel', { 'index.js': index('', '') }, /must say which kernel it works with: export const/],
  [
    'another kernel',
    { 'index.js': index('', "export const kernel = '^9.1.0'") },
    /needs kernel \^9\.1\.0, this is \d+\.\d+\.\d+; install a version/,
  ],
  ['no plugin', { 'index.js': "export const kernel = '*'" }, /index must export its plugin as def/],
  [
    'an index in fp()',
    {
      'index.js':
        "import fp from 'fastify-plugin'\nexport const kernel = '*'\nexport default fp(async () => {})",
    },
    /index must not be wrapped in fp\(\)/,
  ],
  [
    'a service without fp()',
    { 'service.js': 'export default async () => {}' },
    /service must export its plugin as default, and wrapped in fp\(\)/,
  ],
  [
    'a mistake in the source',
    { 'index.js': 'const a = 1\n\nexport default (' },
    /index\.js can't be imported: Unexpected end of input \(index\.js:3\)/,
  ],
  [
    'a mistake in a file of TypeScript that the service imports',
    { 'service.js': "import './rules.ts'", 'rules.ts': 'type A = 1\nconst a: A = }' },
    /service\.js can't be imported: Expression expected \(rules\.ts:2\)/,
  ],
  [
    'a throw while imported',
    { 'service.js': "\nthrow new Error('no luck')" },
    /no luck \(service\.js:2\)/,
  ],
  ['a throw in the service', { 'service.js': service("throw new Error('boom')", 'x') }, /boom/],
  ['a throw in the index', { 'index.js': index("throw new TypeError('bang')") }, /bang/],
  [
    'a throw of something else',
    { 'index.js': index("throw 'a string'") },
    /it threw a string|a string/,
  ],
  [
    'a throw when ready',
    { 'index.js': index("app.addHook('onReady', async () => { throw new Error('crash') })") },
    /crash/,
  ],
  [
    'an error passed to done when ready',
    { 'index.js': index("app.addHook('onReady', (done) => done(new Error('clash')))") },
    /clash/,
  ],
  [
    'a route of a feature',
    { 'index.js': index(route("'/tweets/:tweet'")) },
    /the route GET \/v1\/tweets\/:tweet is taken by tweets; choose another/,
  ],
  [
    'an operationId of a feature',
    { 'index.js': index(route("'/other', { schema: { operationId: 'getTweet' } }")) },
    /the operationId getTweet is taken by tweets/,
  ],
  [
    'a decorator of the kernel',
    { 'service.js': service("app.decorate('users', {})", 'y') },
    /'users'.*already.*Choose another name for its decorator/,
  ],
  [
    'a job of a feature',
    { 'service.js': service("app.jobs.define('media.remove', async () => {})", 'z') },
    /The job name media\.remove is taken/,
  ],
  [
    'a field that is there',
    {
      'service.js': service("app.resources.addField(['User'], 'name', {})", 'f', ['users.service']),
    },
    /The field name of User is taken/,
  ],
  [
    'a field that comes too late',
    { 'index.js': index("app.resources.addField(['User'], 'late', {})") },
    /The field late is added too late/,
  ],
  [
    'a hook for every request',
    { 'service.js': service("app.addHook('preHandler', async () => {})", 'h') },
    /its service adds the hook preHandler to every request of everyone; add it in index/,
  ],
  [
    'a missing dependency',
    { 'service.js': service('', 'd', ['weather.service']) },
    /it needs weather\.service, which is not installed. Add that to EXTENSIONS/,
  ],
  [
    'a table of another name',
    tables("export const nests = mysqlTable('nests', { id: bigint({ mode: 'number' }) })"),
    /its table nests must be called case_\d+ or case_\d+_something/,
  ],
  ['no table', tables('export const nest = 1'), /tables exports nest, which is no table/],
  [
    'a migration of another table',
    migration('ALTER TABLE `users` ADD COLUMN `wings` int'),
    /Migration case-\d+\/0000_first\.sql#1 changes the table users; it may change only case_/,
  ],
  [
    'a migration that keeps rows of others',
    migration('CREATE TABLE NAME (id bigint unsigned, FOREIGN KEY (id) REFERENCES `users`(`id`))'),
    /has a foreign key to users that prevents deleting rows there/,
  ],
  [
    'a migration that fails',
    migration('CREATE TABLE NAME (id nonsense)'),
    /Migration case-\d+\/0000_first\.sql#1 failed: (Unknown data type|.*SQL syntax)/,
  ],
  [
    'a setting that is missing',
    config("NEST_KEY: Type.String({ description: 'the key of your nest' })"),
    /Correct these settings:\n- NEST_KEY \(case-\d+\): it is not set; set it to the key of your nest$/,
  ],
  [
    "a setting of the kernel's",
    config('JWT_SECRETS: Type.String()'),
    /its setting JWT_SECRETS is taken by the kernel/,
  ],
]

CASES.push(
  [
    'settings that are no schema',
    { 'config.js': 'export const settings = {}' },
    /config must export a Type\.Object as default/,
  ],
  [
    'a resource that is there',
    { 'service.js': service("app.resources.define({ $id: 'Problem', properties: {} })", 'r') },
    /The resource Problem is taken/,
  ],
  [
    'a resource that comes too late',
    { 'index.js': index("app.resources.define({ $id: 'Late', properties: {} })") },
    /The resource Late is defined too late/,
  ],
  [
    'a hook on the routes of others',
    { 'service.js': service("app.addHook('onRoute', () => {})", 'o') },
    /its service adds the hook onRoute/,
  ],
)

for (const [what, files, sentence] of CASES) {
  t.test(what, async (t) => {
    const name = `case-${++count}`
    const own = Object.entries(files).map(([file, source]) => [
      file,
      source.replaceAll('NAME', name.replace('-', '_')),
    ])
    const said = await refusal(t, [extension(name, Object.fromEntries(own))])
    t.match(said, sentence)
    t.match(said, name, 'the error names the extension')
    t.equal(said.split(`Extension ${name}: `).length <= 2, true, 'once')
  })
}

t.test('a duplicate name stops the boot', async (t) => {
  const twice = [extension('one/pins'), extension('two/pins')]
  t.match(await refusal(t, twice), /^Extension pins: the name is taken: both .*one\/pins and .*two/)
  t.match(await refusal(t, [extension('tweets')]), /^Extension tweets: the name is taken/)
  t.match(await refusal(t, [extension('Große Vögel')]), /must be lower-case letters, digits and/)
})

t.test('duplicate settings and table names stop the boot', async (t) => {
  const [one, two] = ['one', 'two'].map((name) =>
    extension(`${name}-nest`, config('NEST_SIZE: Type.Integer({ default: 1 })')),
  )
  const said = await refusal(t, [`${one}`, `${two}`])
  t.match(said, /^Extension two-nest: its setting NEST_SIZE is taken by one-nest/)
  t.match(await refusal(t, [extension('likes')]), /be taken for Birdhouse's likes; rename its/)
  const [twice] = [extension('twice')]
  const app = await setUp(t, { EXTENSIONS: `${twice},${twice}` })
  t.ok(app.features.names.includes('twice'), 'a repeated entry counts once')
})

t.test('services load in the order of dependencies, and circles stop the boot', async (t) => {
  const of = (name: string, other: string, body = '') =>
    extension(name, { 'service.js': service(body, name, [`${other}.service`]) })
  const circle = [of('hen', 'egg'), of('egg', 'hen')]
  t.match(await refusal(t, circle), /the dependencies of hen, egg go in a circle; cut one/)
  const first = of('aerie', 'nest', 'app.decorate("aerie", { on: app.nest })')
  const second = of('nest', 'tweets', 'app.decorate("nest", "a tree")')
  const app = await setUp(t, { EXTENSIONS: `${first},${second}` })
  t.match(app, { aerie: { on: 'a tree' } })
})

t.test('a service is loaded after an optional one, and without it if it is missing', async (t) => {
  const early = extension('early', {
    'service.js': service(
      'app.decorate("early", { found: app.optional("nest") })',
      'early',
    ).replace('dependencies: []', "optional: ['nest.service']"),
  })
  const nest = extension('nest', {
    'service.js': service('app.decorate("nest", "a tree")', 'nest'),
  })
  const found = async (EXTENSIONS: string): Promise<any> => await setUp(t, { EXTENSIONS })
  t.equal((await found(`${early},${nest}`)).early.found, 'a tree')
  t.equal((await found(early)).early.found, undefined)
})

t.test('settings of extensions are read and converted, and all problems are listed', async (t) => {
  const path = extension('nestbox', {
    ...config(`
      NESTBOX_SIZE: Type.Integer({ minimum: 1, default: 3, description: 'eggs' }),
      NESTBOX_OPEN: Type.Boolean({ default: false }),
      NESTBOX_NAME: Type.Optional(Type.String())`),
    'index.js': index(
      "app.get('/nestbox', { schema: { hide: true } }, async () => app.config.nestbox)",
    ),
  })
  const app = await setUp(t, { EXTENSIONS: path, NESTBOX_OPEN: 'true' })
  t.strictSame((await call(app, 'GET /v1/nestbox')).body, { NESTBOX_SIZE: 3, NESTBOX_OPEN: true })
  const said = await refusal(t, [path], { NESTBOX_SIZE: 'large', PORT: 'many' })
  t.match(
    said,
    /- PORT: .*\n- NESTBOX_SIZE \(nestbox\): it is "large"; set it to a whole number of at least 1: eggs$/,
  )
})

t.test('EXTENSIONS_OPTIONAL: the app is built again without what fails', async (t) => {
  const broken = [
    extension('no-luck', { 'service.js': service("throw new Error('out of luck')", 'no-luck') }),
    extension('no-table', migration('CREATE TABLE no_table (id nonsense)')),
    extension('no-key', config('NO_KEY: Type.String()')),
    extension('no-friend', { 'service.js': service('', 'no-friend', ['no-luck.service']) }),
  ]
  const fine = extension('fine', {
    'index.js': index("app.get('/fine', { schema: { hide: true } }, async () => 'fine')"),
  })
  const EXTENSIONS = [...broken, fine, 'not-installed'].join(',')
  const names = ['no-luck', 'no-table', 'no-key', 'no-friend', 'not-installed']
  const app = await setUp(t, { EXTENSIONS, EXTENSIONS_OPTIONAL: names.join(', ') })
  const { status, body } = await call(app, 'GET /readyz')
  t.equal(status, 200)
  t.strictSame(body.skippedExtensions.sort(), [...names].sort())
  t.match(app.features.skipped.get('no-luck'), /out of luck/)
  t.equal((await call(app, 'GET /v1/fine')).body, 'fine', 'the others are there')
  t.equal((await call(app, 'GET /v1/tweets')).status, 200)
  const strict = await refusal(t, broken, { EXTENSIONS_OPTIONAL: 'no-luck,no-table,no-key' })
  t.match(strict, /^Extension no-friend: it needs no-luck\.service, which was left out \(.*luck\)/)
  const shadow = await setUp(t, {
    EXTENSIONS: extension('users'),
    EXTENSIONS_OPTIONAL: 'users,timeline',
  })
  t.equal((await call(shadow, 'GET /v1/users/99')).body.code, 'USER_NOT_FOUND', 'ours stays')
})
