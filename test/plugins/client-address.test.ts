import t from 'tap'
import { plainAddress } from '../../plugins/client-address.ts'
import { type App, read, settings, setUp, signUp } from '../helper.ts'
import { spawnServer } from '../server/spawn.ts'

t.test('an address is stored without port, brackets and zone, in one form', async (t) => {
  const cases: [string, string | undefined][] = [
    ['1.2.3.4', '1.2.3.4'],
    ['1.2.3.4:5678', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::FFFF:102:304', '1.2.3.4'],
    ['[::ffff:1.2.3.4]:443', '1.2.3.4'],
    ['[::1]:443', '::1'],
    ['[::1]', '::1'],
    ['::1', '::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['unknown', undefined],
    ['_hidden', undefined],
    ['', undefined],
    ['1.2.3', undefined],
    ['0x7f.1', undefined],
    ['1.2.3.4.5:80', undefined],
    ['1.2.3.4:port', undefined],
    ['[::1', undefined],
    ['x'.repeat(300), undefined],
  ]
  for (const [written, plain] of cases) t.equal(plainAddress(written), plain, written)
})

/** The address that a login over either API leaves in the list of sessions. */
async function addressesOf(app: App, remoteAddress: string, forwarded?: string) {
  const user = await signUp(app, 'Somewhere')
  for (const url of ['/v1/auth/login', '/login']) {
    await app.inject({
      method: 'POST',
      url,
      remoteAddress,
      payload: { email: user.email, password: user.password },
      headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    })
  }
  const { items } = await read(app, '/v1/auth/sessions', user)
  return items.slice(0, 2).map(({ ip }: { ip: string }) => ip)
}

t.test('without a proxy the address is that of the connection', async (t) => {
  const app = await setUp(t)
  t.strictSame(await addressesOf(app, '::ffff:1.2.3.4'), ['1.2.3.4', '1.2.3.4'])
  t.strictSame(await addressesOf(app, '5.6.7.8', '1.2.3.4'), ['5.6.7.8', '5.6.7.8'])
})

t.test('behind proxies the address is the first untrusted one', async (t) => {
  const app = await setUp(t, { TRUST_PROXY: '10.0.0.0/8, fd00::/8' })
  const cases: [from: string, forwarded: string, address: string][] = [
    ['10.0.0.1', '1.2.3.4:5678', '1.2.3.4'],
    ['::ffff:10.0.0.1', '[2001:db8::7]:443', '2001:db8::7'],
    ['10.0.0.1', '9.9.9.9, 1.2.3.4:5678, 10.0.0.2:443', '1.2.3.4'],
    ['10.0.0.1', '9.9.9.9, 1.2.3.4, [fd00::2]:443', '1.2.3.4'],
    ['10.0.0.1', 'unknown, 10.0.0.2', '10.0.0.2'],
    ['10.0.0.1', 'unknown', '10.0.0.1'],
    ['8.8.8.8', '1.2.3.4', '8.8.8.8'],
  ]
  for (const [from, forwarded, address] of cases) {
    t.strictSame(await addressesOf(app, from, forwarded), [address, address], forwarded)
  }
})

t.test('the log has the same address', async (t) => {
  const server = await spawnServer(t, {
    ...(await settings(t)),
    TRUST_PROXY: 'loopback',
    LOG_LEVEL: 'info',
  })
  await server.ready()
  const headers = { 'x-forwarded-for': '1.2.3.4:5678' }
  t.equal((await fetch(`${server.url}/ping`, { headers })).status, 200)
  server.interrupt()
  const { output } = await server.exited
  const requests = output.split('\n').filter((line) => line.includes('incoming request'))
  const { req } = JSON.parse(requests[0] ?? '{}')
  t.equal(req.remoteAddress, '1.2.3.4')
  t.match(req, { method: 'GET', url: '/ping', host: /^127/, remotePort: Number })
})
