import { BlockList, isIPv4 } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { build } from '../../../app.ts'
import { addressKey, readRange } from '../../../routes/sign-up/ranges.ts'
import { call, drained, settings, signUp } from '../../helper.ts'
import { startSmtp, tokenIn } from '../../smtp.ts'

const smtp = await startSmtp(t)
const env = {
  ...(await settings(t)),
  TRUST_PROXY: 'true',
  MAIL_URL: smtp.url,
  MAIL_FROM: 'birdhouse@example.com',
}
const [app, other] = await Promise.all([build(env), build(env)])
t.teardown(() => Promise.all([app.close(), other.close()]))
const mod = await signUp(app)
await app.moderation.setRole(mod.id, 'moderator')
const password = 'correct horse battery'
let people = 0

const block = (kind: string, value: string, reason = 'Spam') =>
  call(app, 'POST /v1/admin/sign-up-blocks', { as: mod, body: { kind, value, reason } })
const lift = (id: number) =>
  call(app, `POST /v1/admin/sign-up-blocks/${id}/lift`, { as: mod, body: { reason: 'Over' } })
const ask = (email: string, from = '198.51.100.1', on = app) =>
  call(on, 'POST /v1/auth/sign-up', {
    body: { name: 'Hong', email, password },
    headers: { 'x-forwarded-for': from },
  })
const from = async (address: string, on = app) =>
  (await ask(`guest${++people}@example.com`, address, on)).body.code ?? 'created'

t.test('a blocked domain is refused with its sub-domains, in every process at once', async (t) => {
  const { status, body } = await block('domain', '@Spam.Example')
  t.match({ status, body }, { status: 201, body: { value: 'spam.example' } })
  for (const email of ['a@spam.example', 'a@SPAM.example', 'a@mail.eu.spam.example'])
    t.match(await ask(email, undefined, other), {
      status: 422,
      body: { code: 'EMAIL_DOMAIN_BLOCKED' },
    })
  t.equal((await ask('a@notspam.example')).status, 201, 'another domain with the same end')
  t.equal((await ask('spam.example@good.example')).status, 201)
  const flat = { name: 'Hong', email: 'b@spam.example', password, profile: '' }
  t.match(await call(app, 'POST /sign-up', { body: flat }), { status: 422, body: /domain/ })

  t.equal((await lift(body.id)).status, 204)
  t.equal((await lift(body.id)).status, 404)
  t.equal((await ask('a@spam.example', undefined, other)).status, 201)
  t.equal((await block('domain', 'spam.example')).status, 201, 'it can be blocked again')
  t.match(await block('domain', 'spam.example'), { body: { code: 'BLOCKED_ALREADY' } })
  const acts = (await app.moderation.acts({ actorId: mod.id }, { limit: 3 })).items
  t.strictSame(
    acts.map(({ act, reason }) => [act, reason]),
    [
      ['block-domain', 'Spam'],
      ['unblock-domain', 'Over'],
      ['block-domain', 'Spam'],
    ],
  )
})

t.test('a Korean domain is blocked by its name or its punycode', async (t) => {
  const { body } = await block('domain', '스팸.한국')
  t.equal(body.value, 'xn--9t4b661a.xn--3e0b707e')
  t.equal((await ask('a@mail.xn--9t4b661a.xn--3e0b707e')).status, 422)
  for (const value of ['a b.example', '..', 'a..example', `${'a'.repeat(64)}.example`, 'a@b.c'])
    t.equal((await block('domain', value)).status, 400, value)
})

t.test('no account changes its e-mail address to a blocked domain', async (t) => {
  const user = await signUp(app)
  const change = (email: string) =>
    call(app, 'PUT /v1/users/me/email', { as: user, body: { email, password: user.password } })
  t.equal((await change('me@soon.example')).status, 202)
  await drained(app)
  const token = tokenIn(smtp.to('me@soon.example').at(-1))
  await block('domain', 'soon.example')
  t.match(await change('me@soon.example'), { status: 422, body: { code: 'EMAIL_DOMAIN_BLOCKED' } })
  const confirm = () => call(app, 'POST /v1/auth/email-change/confirm', { body: { token } })
  t.equal((await confirm()).status, 422, 'a mail that was sent before is of no use')
})

t.test('a blocked range refuses sign-ups, and nothing else', async (t) => {
  const person = await signUp(app)
  t.match(await block('range', '192.0.2.77/24'), { body: { value: '192.0.2.0/24' } })
  await block('range', '2001:DB8:7::/48')
  await block('range', '203.0.113.9')
  const answers = {
    '192.0.2.1': 'NETWORK_BLOCKED',
    '192.0.2.255': 'NETWORK_BLOCKED',
    '::ffff:192.0.2.9': 'NETWORK_BLOCKED',
    '192.0.3.0': 'created',
    '2001:db8:7:ffff::1': 'NETWORK_BLOCKED',
    '2001:db8:8::': 'created',
    '203.0.113.9': 'NETWORK_BLOCKED',
    '203.0.113.10': 'created',
  }
  for (const [address, code] of Object.entries(answers))
    t.equal(await from(address, other), code, address)
  const { email } = person
  const headers = { 'x-forwarded-for': '192.0.2.1' }
  const login = await call(app, 'POST /v1/auth/login', { body: { email, password }, headers })
  t.equal(login.status, 200)
  for (const value of ['0.0.0.0/0', '::/0', '1.2.3.4/33', '1.2.3/8', '0x7f.1', 'here', '::/129'])
    t.equal((await block('range', value)).status, 400, value)
})

t.test('ranges hold the addresses that they hold for Node.js', (t) => {
  const familyOf = (address: string) => (isIPv4(address) ? 'ipv4' : 'ipv6')
  const bits = (most: number) => fc.integer({ min: 1, max: most })
  const cases = fc.oneof(
    fc.tuple(fc.ipV4(), bits(32), bits(32), fc.ipV4()),
    fc.tuple(fc.ipV6(), bits(128), bits(128), fc.ipV6()),
  )
  fc.assert(
    fc.property(cases, ([base, length, another, random]) => {
      const read = readRange(`${base}/${length}`)
      const list = new BlockList()
      list.addSubnet(base, length, familyOf(base))
      // The start of another range around the same address is often near the border.
      const near = readRange(`${base}/${another}`)?.value.split('/')[0] ?? base
      for (const one of [base, near, random]) {
        // Node.js counts IPv4 as a part of IPv6, and so would ranges of IPv6 block IPv4.
        if (!read || familyOf(one) !== familyOf(read.value.split('/')[0] ?? '')) continue
        const key = addressKey(one) ?? ''
        const isIn = key >= read.first && key <= read.last
        if (isIn !== list.check(one, familyOf(one))) throw new Error(`${base}/${length}: ${one}`)
      }
    }),
    { numRuns: 1000, examples: [[['::0.0.0.0', 97, 97, '::0:0:0']]] },
  )
  t.match(readRange('::/1'), { first: /^6/, last: /^6/ }, 'no range of IPv6 holds IPv4')
  t.match(readRange('::ffff:192.0.2.1/120'), { value: '192.0.2.0/24' })
  t.match(readRange('::192.0.2.1'), { first: /^6/ })
  t.end()
})
