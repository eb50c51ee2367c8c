import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import getPort from 'get-port'
import t from 'tap'
import { readMailUrl } from '../../plugins/config/mail-url.ts'
import { call, drained, setUp, signUp } from '../helper.ts'
import { temporaryFolder } from '../server/spawn.ts'
import { startSmtp } from '../smtp.ts'
import { GOOD, refused } from './good-settings.ts'

t.test('MAIL_URL is an SMTP server, and a wrong one is refused without its password', async (t) => {
  t.match(readMailUrl('smtp://mail.example'), { host: 'mail.example', port: 587, secure: false })
  t.match(readMailUrl('smtps://u%40x:p%2Fw@[::1]:2465'), {
    host: '::1',
    port: 2465,
    secure: true,
    auth: { user: 'u@x', pass: 'p/w' },
  })
  t.equal(readMailUrl('smtp://u:p@mail.example').requireTLS, true, 'no password in plaintext')
  t.equal(readMailUrl('smtp://u:p@127.0.0.1').requireTLS, false)
  t.throws(() => readMailUrl('smtp://user@mail.example'), /user or a password alone/)
  for (const url of ['mail.example', 'http://a', 'smtp://', 'smtp://a/path', 'smtp://a?x=1']) {
    t.throws(() => readMailUrl(url), /smtp:\/\/user:password@host:port/, url)
  }
  for (const url of ['smtp://u:hidden/x@a', 'smtp://u:hidden#@a', 'smtp://u:hidden%zz@a']) {
    t.throws(() => readMailUrl(url), /percent-encode/, url)
    t.doesNotThrow(() => {
      try {
        readMailUrl(url)
      } catch (error) {
        if (/hidden/.test(String(error))) throw error
      }
    })
  }
  const url = 'smtp://mail.example'
  t.strictSame(refused({ ...GOOD, MAIL_URL: url }), ['MAIL_FROM'])
  t.strictSame(refused({ ...GOOD, MAIL_FROM: 'a@b.example' }), ['MAIL_FROM'])
  t.strictSame(refused({ ...GOOD, MAIL_URL: url, MAIL_FROM: 'nobody' }), ['MAIL_FROM'])
  t.strictSame(refused({ ...GOOD, MAIL_URL: url, MAIL_FROM: 'a@b.example' }), [])
})

t.test('a mail arrives as plain text that no vacation message answers', async (t) => {
  const smtp = await startSmtp(t)
  const app = await setUp(t, { MAIL_URL: smtp.url, MAIL_FROM: 'birdhouse@example.com' })
  await app.mail.send({ to: 'bo@example.com', subject: '안녕', text: '하이 🐦\n.\nend' })
  const [mail] = smtp.mails
  t.match(mail, { subject: '안녕', from: { address: 'birdhouse@example.com' } })
  t.equal(mail?.text?.trim(), '하이 🐦\n.\nend')
  t.match(
    mail?.headers.find(({ key }) => key === 'auto-submitted'),
    { value: 'auto-generated' },
  )
})

t.test('no address or subject adds a header or a recipient', async (t) => {
  const smtp = await startSmtp(t)
  const app = await setUp(t, { MAIL_URL: smtp.url, MAIL_FROM: 'birdhouse@example.com' })
  const tricks = [
    'a@example.com\r\nBcc: victim@example.com',
    'a@example.com, victim@example.com',
    '"a@example.com> RCPT TO:<victim@example.com"@example.com',
  ]
  for (const to of tricks)
    await app.mail.send({ to, subject: 'x\r\nBcc: victim@example.com', text: 'x' }).catch(() => {})
  t.strictSame(smtp.to('victim@example.com'), [])
  for (const { headers } of smtp.mails) t.notOk(headers.some(({ key }) => key === 'bcc'))
})

t.test('a mail server that is away delays no sign-up, and the mail arrives later', async (t) => {
  const port = await getPort({ host: '127.0.0.1' })
  const settings = { MAIL_URL: `smtp://127.0.0.1:${port}`, MAIL_FROM: 'birdhouse@example.com' }
  const app = await setUp(t, settings)
  const user = await signUp(app)
  const isFailing = async () => (await call(app, 'GET /readyz')).body.checks.mail === 'failed'
  while (!(await isFailing())) await sleep(20)
  t.equal((await call(app, 'GET /readyz')).status, 200, 'it is no reason to leave the service')
  const smtp = await startSmtp(t, port)
  await drained(app)
  t.match(smtp.to(user.email), [{ subject: 'Confirm your e-mail address' }])
  t.notOk(await isFailing())
})

t.test('a mail server that defers is tried again, one that refuses is not', async (t) => {
  const smtp = await startSmtp(t)
  const app = await setUp(t, { MAIL_URL: smtp.url, MAIL_FROM: 'birdhouse@example.com' })
  const tries = new Map<string, number>()
  smtp.refuse((to) => {
    const before = tries.get(to) ?? 0
    tries.set(to, before + 1)
    if (to.startsWith('gone')) return { code: 550, text: 'No such user' }
    return before === 0 ? { code: 451, text: 'Greylisted' } : undefined
  })
  await signUp(app, 'Gone', { email: 'gone@example.com' })
  await signUp(app, 'Slow', { email: 'slow@example.com' })
  await drained(app)
  t.equal(smtp.to('slow@example.com').length, 1)
  const errors = await app.db.execute(sql`SELECT error FROM jobs WHERE error IS NOT NULL`)
  t.notMatch(JSON.stringify(errors), '@example.com')
  t.strictSame(Object.fromEntries(tries), { 'gone@example.com': 1, 'slow@example.com': 2 })
})

t.test('without MAIL_URL mails are files in development, and nothing elsewhere', async (t) => {
  const folder = temporaryFolder(t)
  const app = await setUp(t, { NODE_ENV: 'development', LOCAL_DIR: folder })
  const user = await signUp(app)
  await drained(app)
  const [name = ''] = readdirSync(join(folder, 'mail'))
  const file = join(folder, 'mail', name)
  const mail = readFileSync(file, 'utf8')
  t.match(mail, `To: ${user.email}`)
  t.match(mail, /^[\w-]{43}\r?$/m, 'the token can be copied')
  t.equal(statSync(file).mode & 0o777, 0o600)
  const silent = await setUp(t)
  t.equal(silent.mail.isOn, false)
  const body = { email: user.email }
  t.match(await call(silent, 'POST /v1/auth/password-reset', { body }), {
    status: 503,
    body: { code: 'NO_MAIL' },
  })
})
