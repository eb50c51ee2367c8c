import t from 'tap'
import { parseConfig } from '../../plugins/config/index.ts'
import { discover } from '../../plugins/features/discover.ts'
import { call, setUp } from '../helper.ts'
import { GOOD } from '../plugins/good-settings.ts'

t.test('security.txt names the contacts and a time of expiry', async (t) => {
  const SECURITY_CONTACT = 'mailto:security@host.example, https://host.example/report'
  const app = await setUp(t, { SECURITY_CONTACT })
  const { status, headers, body } = await call(app, 'GET /.well-known/security.txt')
  t.equal(status, 200)
  t.equal(headers['content-type'], 'text/plain; charset=utf-8')
  const [first, second, expires] = body.split('\n')
  t.equal(first, 'Contact: mailto:security@host.example')
  t.equal(second, 'Contact: https://host.example/report')
  const days = (Date.parse(expires.replace('Expires: ', '')) - Date.now()) / 86_400_000
  t.ok(days > 178 && days <= 180, expires)
})

t.test('without a contact there is no security.txt', async (t) => {
  const app = await setUp(t)
  const { status, body } = await call(app, 'GET /.well-known/security.txt')
  t.match({ status, code: body.code }, { status: 404, code: 'SECURITY_CONTACT_NOT_SET' })
})

t.test('a contact that no reader could use stops the start', async (t) => {
  const features = await discover([], new Map())
  const problemOf = (SECURITY_CONTACT: string) => {
    try {
      return void parseConfig({ ...GOOD, SECURITY_CONTACT }, features)
    } catch (error) {
      return String(error)
    }
  }
  for (const wrong of [
    'security@host.example',
    'http://host.example',
    'mailto:',
    'mailto:a@b,x',
    'https://a\nX: y',
  ])
    t.match(problemOf(wrong), /- SECURITY_CONTACT/, wrong)
  t.equal(problemOf('tel:+1-201-555-0123'), undefined)
})
