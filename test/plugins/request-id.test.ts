import t from 'tap'
import { setUp } from '../helper.ts'

const PROXY = '10.0.0.7'
const OWN_ID = /^[0-9a-f-]{36}$/

t.test('the request id of a trusted proxy is kept, the one of a client is not', async (t) => {
  const app = await setUp(t, { TRUST_PROXY: '10.0.0.0/8' })
  const idOf = async (id: string, remoteAddress: string) => {
    const answer = await app.inject({
      url: '/livez',
      remoteAddress,
      headers: { 'x-request-id': id },
    })
    return answer.headers['x-request-id']
  }
  t.equal(await idOf('4bf92f-Root=1', PROXY), '4bf92f-Root=1')
  t.match(await idOf('4bf92f-Root=1', '192.0.2.1'), OWN_ID)
  t.match(await idOf('x'.repeat(129), PROXY), OWN_ID, 'too long')
  t.match(await idOf('two words', PROXY), OWN_ID, 'not one word')
  t.match(await idOf('h\u00e9', PROXY), OWN_ID, 'not ASCII')
})

t.test('without TRUST_PROXY every request gets an id of its own', async (t) => {
  const app = await setUp(t)
  const answer = await app.inject({ url: '/livez', headers: { 'x-request-id': 'mine' } })
  t.match(answer.headers['x-request-id'], OWN_ID)
})
