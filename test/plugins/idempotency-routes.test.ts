import t from 'tap'
import { extensionFolders, index } from '../extension-folder.ts'
import { call, setUp, signUp } from '../helper.ts'

const shop = extensionFolders(t)('shop', {
  'index.js': `
    import { BearerAuth, problems } from 'birdhouse/schemas'
    ${index(`
    app.addHook('onRequest', app.authenticate)
    let sold = 0
    const schema = {
      tags: ['shop'], summary: 'Buy', security: BearerAuth,
      body: { type: 'object', properties: { fails: { type: 'boolean' }, n: { type: 'integer' } } },
      response: { 201: { type: 'object', properties: { sold: { type: 'integer' } } }, ...problems(401, 422, { 402: 'Pay first.' }) },
    }
    const sell = ({ body }) => async (tx) => {
      if (body.fails) throw Object.assign(new Error('Pay first.'), { statusCode: 402, code: 'UNPAID' })
      return { sold: ++sold }
    }
    for (const path of ['/shop/orders', '/shop/others'])
      app.post(path, { schema: { ...schema, operationId: path.slice(6) }, config: { idempotent: true } },
        async (request, reply) => reply.code(201).send(await request.runOnce(sell(request))))
    app.post('/shop/forgotten', { schema: { hide: true } }, (request) => request.runOnce(async () => ({})))
    `)}`,
})

const app: any = await setUp(t, { EXTENSIONS: shop })
const [ada, bo] = [await signUp(app, 'Ada'), await signUp(app, 'Bo')]
const buy = (as = ada, key?: string, body: object = { n: 1 }, path = '/v1/shop/orders') =>
  call(app, `POST ${path}`, { as, body, headers: key ? { 'idempotency-key': key } : {} })

t.test('a route of an extension answers a repeated request as the first', async (t) => {
  const first = await buy(ada, 'a')
  t.match(first, { status: 201, body: { sold: 1 } })
  t.match(await buy(ada, 'a'), { status: 201, body: first.body })
  t.match((await buy(ada)).body, { sold: 2 }, 'without a key')
  t.match((await buy(bo, 'a')).body, { sold: 3 }, 'keys belong to a user')
  const reused = { status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } }
  t.match(await buy(ada, 'a', { n: 2 }), reused)
  t.match(await buy(ada, 'a', { n: 1 }, '/v1/shop/others'), reused, 'on another path')
  t.match((await buy(ada, 'é')).status, 400)
})

t.test('a failed request leaves its key unused', async (t) => {
  t.match(await buy(ada, 'b', { fails: true }), { status: 402, body: { code: 'UNPAID' } })
  t.match(await buy(ada, 'b'), { status: 201 })
})

t.test('the document has the key and every declared problem', async (t) => {
  const { post } = app.swagger().paths['/v1/shop/orders']
  t.match(post.parameters, [{ name: 'idempotency-key', in: 'header', required: false }])
  t.match(post.responses['402'], { description: 'Pay first.' })
  t.match(Object.keys(post.responses), ['201', '400', '401', '402', '408'])
})

t.test('a handler without the setting is told about it', async (t) => {
  t.equal((await buy(ada, 'c', {}, '/v1/shop/forgotten')).status, 500)
})

t.test('a status that is no error is no problem', async (t) => {
  const { problems } = await import('../../plugins/schemas.ts')
  t.throws(() => problems({ 200: 'Fine.' }), { message: /from 400 to 599/ })
})
