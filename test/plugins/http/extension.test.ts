import t from 'tap'
import { extensionFolders, index } from '../../extension-folder.ts'
import { call, setUp } from '../../helper.ts'

const ROUTES = `
  app.setErrorHandler((error, request, reply) => reply.code(error.statusCode).send({ oops: error.code }))
  const schema = {
    querystring: {
      type: 'object',
      properties: {
        n: { anyOf: [{ type: 'integer' }, { type: 'boolean' }] },
        list: { type: 'array', items: { type: 'integer' } },
      },
    },
  }
  app.get('/parsers/read', { schema }, async ({ query }) => query)
  app.post('/parsers/csv', async ({ body }) => ({ body: body ?? 'nothing' }))
  app.addContentTypeParser('text/csv', { parseAs: 'buffer' }, async (request, bytes) => bytes.toString('latin1'))
  app.addContentTypeParser('*', { parseAs: 'string' }, async (request, text) => 'any: ' + text)
`

t.test('an extension has parsers, an error shape and wrong methods of its own', async (t) => {
  const folder = extensionFolders(t)('parsers', { 'index.js': index(ROUTES) })
  const app = await setUp(t, { EXTENSIONS: folder })
  const post = async (type: string, payload: Buffer | string) => {
    const headers = { 'content-type': type }
    return (await app.inject({ method: 'POST', url: '/v1/parsers/csv', headers, payload })).json()
  }
  const latin1 = Buffer.from('é', 'latin1')
  t.strictSame(await post('text/csv; charset=latin1', latin1), { body: 'é' })
  t.strictSame(await post('text/plain', 'x'), { body: 'any: x' })
  t.strictSame(await post('application/json', '{"a":1}'), { body: { a: 1 } })
  t.strictSame(await post('application/json', latin1), { oops: 'INVALID_UTF8' })
  t.strictSame(await post('text/csv', ''), { body: 'nothing' })

  const wrong = await call(app, 'DELETE /v1/parsers/csv')
  t.equal(wrong.status, 405)
  t.equal(wrong.headers.allow, 'OPTIONS, POST')
  t.strictSame(wrong.body, { oops: 'METHOD_NOT_ALLOWED' })
  t.strictSame((await call(app, 'GET /v1/parsers/%ff')).body.code, 'INVALID_URL')

  const read = (query: string) => call(app, `GET /v1/parsers/read?${query}`)
  t.strictSame((await read('n=12')).body, { n: 12 })
  t.strictSame((await read('n=true')).body, { n: true })
  t.strictSame((await read('list=1&list=2')).body, { list: [1, 2] })
  for (const query of ['n=012', 'n=1e0', 'n=TRUE', 'list=1&list=02']) {
    t.equal((await read(query)).status, 400, query)
  }
})
