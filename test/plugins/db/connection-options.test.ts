import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { startLocal } from '../../../local/index.ts'
import { ConfigError, type Env, parseConfig } from '../../../plugins/config/index.ts'
import { connectionOptions } from '../../../plugins/db/connection-options.ts'
import { makeCertificates } from '../../tls-database.ts'

const OTHERS = {
  S3_REGION: 'eu-central-1',
  S3_BUCKET: 'pictures',
  JWT_SECRETS: 'a5sJ9xQ2mV7cR1tB8nW4kY6pL3dF0gHz',
}

/** The lines of the refusal; none when the settings are accepted. */
function refusal(env: Env) {
  try {
    parseConfig({ ...OTHERS, ...env })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message.split('\n').slice(1)
  }
}

const withEnd = (end: string) => ({
  DATABASE_URL: `mysql://user:hunter2@db.example:3307/birdhouse${end}`,
})

const folder = mkdtempSync(join(tmpdir(), 'birdhouse-ca-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const caFile = join(folder, 'ca.pem')
const { authority, key } = await makeCertificates(['localhost'])
writeFileSync(caFile, `The private CA\n${authority}\n${authority}`)

t.test('driver options in the URL are rejected', async (t) => {
  const charsets = ['latin1', 'latin1_swedish_ci', 'binary', 'ascii', 'gbk', 'utf8mb4']
  const options = [
    ...charsets.map((charset) => `charset=${charset}`),
    'CHARSET=latin1',
    'charset%4eumber=8',
    'charsetNumber=8',
    'nestTables=true',
    'flags=-FOUND_ROWS',
    'multipleStatements=false',
    'timezone=local',
    'user=root',
    'password=hunter2',
    'uri=mysql://elsewhere',
    'ssl-ca=/etc/ssl/ca.pem',
    'constructor=1',
    '__proto__=1',
    '=1',
  ]
  for (const option of options) {
    const [name = ''] = [...new URLSearchParams(option).keys()]
    const [line = '', ...more] = refusal(withEnd(`?${option}`))
    t.same(more, [], option)
    t.match(line, /^- DATABASE_URL: remove /)
    t.ok(line.includes(name), line)
    t.notMatch(line, 'hunter2')
  }
  t.match(refusal(withEnd('?charset=latin1&ssl=true&nestTables=1')), [/charset, nestTables/])
  t.match(connectionOptions(withEnd('')), { charset: 'utf8mb4_unicode_ci', timezone: 'Z' })
})

t.test('any percent-encoded user and password reach the driver unchanged', async (t) => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 })
  const host = fc.oneof(fc.domain(), fc.ipV4())
  fc.assert(
    fc.property(text, text, text, host, fc.nat(65_534), (user, password, database, host, low) => {
      const account = [user, password].map(encodeURIComponent).join(':')
      const port = low + 1
      const url = `mysql://${account}@${host}:${port}/${encodeURIComponent(database)}`
      t.hasStrict(connectionOptions({ DATABASE_URL: url }), {
        user,
        password,
        database,
        host,
        port,
      })
    }),
  )
  const plain: [string, object][] = [
    ['mysql://user@host/name', { user: 'user', password: '', host: 'host', port: 3306 }],
    ['mysql://user:@host/name', { password: '' }],
    ['mysql://user:p@ss:w"rd@host/name', { user: 'user', password: 'p@ss:w"rd', host: 'host' }],
    ['mysql://user@azure:pass@host/name', { user: 'user@azure', password: 'pass' }],
    ['mysql://user:pass@[2001:db8::1]/name', { host: '2001:db8::1', port: 3306 }],
    ['MYSQL://user:pass@[::1]:3307/name\n', { host: '::1', port: 3307, database: 'name' }],
  ]
  for (const [DATABASE_URL, expected] of plain)
    t.hasStrict(connectionOptions({ DATABASE_URL }), expected, DATABASE_URL)
})

t.test('the error of a malformed URL is one line without parts of the URL', async (t) => {
  const cases: Record<string, RegExp> = {
    'postgres://user:hunter2@host/name': /set it to mysql:/,
    'user:hunter2@host/name': /set it to mysql:/,
    '': /set it to mysql:/,
    'mysql://user:hunter2#1@host/name': /percent-encode/,
    'mysql://user:hunter2?1@host/name': /percent-encode/,
    'mysql://user:hunter2/1@host/name': /percent-encode/,
    'mysql://user:12/hunter2@host/name': /percent-encode/,
    'mysql://user:12?hunter2@host/name': /percent-encode/,
    'mysql://user:p@12/hunter2@host/name': /percent-encode/,
    'mysql://user:hunter2%zz@host/name': /percent-encode/,
    'mysql://user:hunter2%@host/name': /percent-encode/,
    'mysql://user:hunter2%e4@host/name': /percent-encode/,
    'mysql://us%er:hunter2@host/name': /percent-encode/,
    'mysql://user:hunter2@host/na%me': /percent-encode/,
    'mysql://user:hunter2@host/name#latin1': /percent-encode/,
    'mysql://user:hunter2@host': /name one database/,
    'mysql://user:hunter2@host/': /name one database/,
    'mysql://user:hunter2@host?ssl=true': /name one database/,
    'mysql://user:hunter2@host/name/other': /name one database/,
    'mysql://:hunter2@host/name': /names no user/,
    'mysql://host/name': /names no user/,
    'mysql://user:hunter2@/name': /host or port/,
    'mysql://user:hunter2@:3306/name': /host or port/,
    'mysql://user:hunter2@host:/name': /host or port/,
    'mysql://user:hunter2@host:0/name': /host or port/,
    'mysql://user:hunter2@host:65536/name': /host or port/,
    'mysql://user:hunter2@host:33o6/name': /host or port/,
    'mysql://user:hunter2@one:3306,two:3306/name': /host or port/,
    'mysql://user:hunter2@::1:3306/name': /host or port/,
    'mysql://user:hunter2@[host]:3306/name': /host or port/,
    'mysql://user:hunter2@ho st/name': /host or port/,
  }
  for (const [DATABASE_URL, expected] of Object.entries(cases)) {
    const lines = refusal({ DATABASE_URL })
    t.match(lines, [/^- DATABASE_URL: /], DATABASE_URL)
    t.match(lines, [expected], DATABASE_URL)
    t.notMatch(lines.join(), /hunter2/)
  }
})

t.test('each spelling of the TLS options is understood', async (t) => {
  const on = { rejectUnauthorized: false, verifyIdentity: false }
  const verify = { rejectUnauthorized: true, verifyIdentity: true }
  const cases: [string, object | undefined, Env?][] = [
    ['', undefined],
    ['', undefined, { DATABASE_TLS: 'off' }],
    ['', on, { DATABASE_TLS: 'on' }],
    ['', verify, { DATABASE_TLS: 'verify' }],
    ['?ssl-mode=DISABLED', undefined],
    ['?sslmode=disable&ssl=false', undefined, { DATABASE_TLS: 'off' }],
    ['?ssl-mode=PREFERRED', on],
    ['?sslmode=prefer', on],
    ['?sslmode=allow', on],
    ['?ssl-mode=REQUIRED', on],
    ['?ssl_mode=required', on],
    ['?sslMode=REQUIRED', on],
    ['?sslmode=require', on],
    ['?ssl=true', on],
    ['?ssl=1', on],
    ['?sslaccept=accept_invalid_certs', on],
    ['?ssl-mode=VERIFY_CA', verify],
    ['?ssl-mode=VERIFY_IDENTITY', verify],
    ['?sslmode=verify-full', verify],
    ['?sslaccept=strict', verify],
    ['?sslmode=require&sslaccept=strict', verify],
    ['?ssl-mode=REQUIRED', verify, { DATABASE_TLS: 'verify' }],
    ['?ssl-mode=VERIFY_IDENTITY', verify, { DATABASE_TLS: 'on' }],
  ]
  for (const [end, ssl, env] of cases) {
    const options = connectionOptions({ ...withEnd(end), ...env })
    t.strictSame(options.ssl, ssl, `${end} ${JSON.stringify(env)}`)
  }
})

t.test('contradictory settings are named', async (t) => {
  const cases: [string, Env, RegExp[]][] = [
    ['', { DATABASE_TLS: 'yes' }, [/^- DATABASE_TLS: set it to off, on, verify$/]],
    ['?ssl-mode=MAYBE', {}, [/^- DATABASE_URL: ssl-mode must be one of disabled, /]],
    ['?ssl={}', {}, [/^- DATABASE_URL: ssl must be one of false, 0, true, 1$/]],
    ['?ssl-mode=REQUIRED', { DATABASE_TLS: 'off' }, [/DATABASE_TLS and ssl-mode in DATABASE_URL/]],
    ['?sslmode=disable', { DATABASE_TLS: 'verify' }, [/sslmode in DATABASE_URL and DATABASE_TLS/]],
    ['?ssl=true&ssl=false', {}, [/ssl in DATABASE_URL and ssl in DATABASE_URL contradict/]],
    ['', { DATABASE_CA: caFile }, [/^- DATABASE_CA: set DATABASE_TLS to verify/]],
    ['?ssl=true', { DATABASE_CA: 'amazon-rds' }, [/^- DATABASE_CA: set DATABASE_TLS to verify/]],
    ['?x=1', { DATABASE_TLS: 'x' }, [/^- DATABASE_URL: remove x;/, /^- DATABASE_TLS: set it to/]],
  ]
  for (const [end, env, lines] of cases) t.match(refusal({ ...withEnd(end), ...env }), lines)
  t.equal(refusal({ ...withEnd(''), DATABASE_TLS: 'off' }).length, 0)
  const { DATABASE_URL: _, ...embedded } = { ...withEnd(''), DATABASE_TLS: 'verify' }
  const start = startLocal(embedded, t.comment, () => t.fail('nothing is started'))
  await t.rejects(start, { message: /^DATABASE_TLS and DATABASE_CA are for the database of/ })
})

t.test('DATABASE_CA takes a file or amazon-rds', async (t) => {
  const read = (DATABASE_CA: string) =>
    connectionOptions({ ...withEnd(''), DATABASE_TLS: 'verify', DATABASE_CA }).ssl
  t.match(read(caFile), { ca: [authority.trim(), authority.trim()], verifyIdentity: true })
  for (const name of ['amazon-rds', 'Amazon RDS'])
    t.match(read(name), { ca: [/^-----BEGIN CERTIFICATE-----/], verifyIdentity: true })

  const write = (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const broken = authority.replace(/\n.{8}/, '\nbroken!!')
  const wrong: Record<string, RegExp> = {
    [join(folder, 'nothing.pem')]: /cannot be read \(ENOENT\)/,
    [folder]: /cannot be read \(EISDIR\)/,
    [write('key.pem', key)]: /holds no PEM certificate/,
    [write('empty.pem', '')]: /holds no PEM certificate/,
    [write('broken.pem', broken)]: /a certificate in the file is damaged/,
  }
  for (const [DATABASE_CA, expected] of Object.entries(wrong)) {
    const lines = refusal({ ...withEnd(''), DATABASE_TLS: 'verify', DATABASE_CA })
    t.match(lines, [/^- DATABASE_CA: .* file .* amazon-rds$/])
    t.match(lines, [expected])
  }
})
