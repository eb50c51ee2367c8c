import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { extensionFolders, index } from './extension-folder.ts'
import { call, setUp, signUp } from './helper.ts'
import { operationsOf, undocumented } from './undocumented.ts'

const BYTES_OF_TOO_MUCH = String(100 * 1024 * 1024)
/** Lines that tell a path parameter's length apart: in code units, in bytes, and percent-encoded. */
const LONG = [
  'x'.repeat(101),
  '가'.repeat(100),
  '가'.repeat(101),
  '😀'.repeat(100),
  '9'.repeat(5000),
]

const defaulting = index(`
  const { problems } = schemas
  const fields = (name) => ({
    type: 'object',
    properties: { [name]: { type: 'integer', default: 7 }, [name + '-needed']: { type: 'integer' } },
    required: [name, name + '-needed'],
  })
  const body = {
    ...fields('body'),
    properties: {
      ...fields('body').properties,
      nested: fields('nested'),
      listed: { type: 'array', items: fields('listed') },
    },
  }
  app.post('/defaults', {
    schema: {
      tags: ['defaults'], operationId: 'postDefaults', summary: 'Defaults', security: [],
      querystring: fields('query'), headers: fields('header'), body,
      response: { 200: fields('answer'), ...problems() },
    },
  }, async ({ query, headers, body }) => ({
    answer: [query.query, headers.header, body.body, body.nested.nested, body.listed[0].listed]
      .reduce((sum, value) => sum + value, 0),
    'answer-needed': 0,
  }))
`)

t.test('fields with a default may be left out, and the document says so', async (t) => {
  const app = await setUp(t, {
    EXTENSIONS: extensionFolders(t)('defaults', { 'index.js': defaulting }),
  })
  const body = {
    'body-needed': 1,
    nested: { 'nested-needed': 1 },
    listed: [{ 'listed-needed': 1 }],
  }
  const headers = { 'header-needed': '1' }
  const answer = await call(app, 'POST /v1/defaults?query-needed=1', { headers, body })
  t.match(answer, { status: 200, body: { answer: 5 * 7 } }, 'the handler gets the defaults')

  const operation = operationsOf(app).find(({ operationId }) => operationId === 'postDefaults')
  const required = (operation?.parameters ?? []).filter((one) => one.required)
  t.strictSame(required.map(({ name }) => name).sort(), ['header-needed', 'query-needed'])
  const json = operation?.requestBody?.content['application/json']?.schema
  t.strictSame(json?.required, ['body-needed'])
  t.strictSame(json?.properties?.nested?.required, ['nested-needed'])
  t.strictSame(json?.properties?.listed?.items?.required, ['listed-needed'])
  const { content } = operation?.responses[200] ?? {}
  t.strictSame(content?.['application/json']?.schema?.required, ['answer', 'answer-needed'])
  t.strictSame(undocumented(app), [])
})

t.test('a body may be left out where an empty object would do', async (t) => {
  const app = await setUp(t)
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const optional: string[] = []
  for (const { operationId = '', requestBody } of operationsOf(app)) {
    const schema = requestBody?.content['application/json']?.schema
    if (!schema) continue
    if (!requestBody?.required) optional.push(operationId)
    t.equal(ajv.validate(schema, {}), !requestBody?.required, operationId)
  }
  t.ok(optional.includes('markNotificationsRead'))
})

t.test('every operation with a body declares 408, 413 and 415', async (t) => {
  const app = await setUp(t)
  const as = await signUp(app)
  await app.moderation.setRole(as.id, 'admin')
  for (const { route, method, responses } of operationsOf(app)) {
    if (method === 'GET') continue
    const line = route.replaceAll(/\{.*?\}/g, '1')
    const tooLarge = { 'content-type': 'application/json', 'content-length': BYTES_OF_TOO_MUCH }
    t.equal((await call(app, line, { as, headers: tooLarge, body: {} })).status, 413, route)
    const unknown = { 'content-type': 'application/xml' }
    t.equal((await call(app, line, { as, headers: unknown, body: {} })).status, 415, route)
    const problem = Object.keys(responses[400]?.content ?? {})
    for (const status of [408, 413, 415])
      t.strictSame(Object.keys(responses[status]?.content ?? {}), problem, `${route} ${status}`)
  }
})

t.test('only schemas limit the length of path parameters', async (t) => {
  const app = await setUp(t)
  const as = await signUp(app)
  for (const { route, method, responses } of operationsOf(app)) {
    for (const value of route.includes('{') ? LONG : []) {
      const line = route.replace(/\{.*?\}/, encodeURIComponent(value))
      const body = method === 'GET' ? {} : { body: {} }
      const { status } = await call(app, line, { as, ...body })
      t.ok(status < 500 && responses[status], `${status} of ${route} with ${value.slice(0, 9)}...`)
    }
  }
})
