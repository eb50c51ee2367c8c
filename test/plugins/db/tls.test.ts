import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { migrate } from '../../../db/migrate.ts'
import { adviseDatabase } from '../../../local/advice.ts'
import type { Env } from '../../../plugins/config/index.ts'
import { connectionOptions } from '../../../plugins/db/connection-options.ts'
import { isMysql } from '../../database.ts'
import { setUp, signUp, tweet } from '../../helper.ts'
import { startTestDatabase, startTlsDatabase, temporaryFolder } from '../../tls-database.ts'

const folder = temporaryFolder(t)

/** The outcome of a start on this database. */
const start = (env: Env) =>
  migrate(connectionOptions(env)).then(
    () => 'connected',
    (error) => (adviseDatabase(error) as Error).message,
  )

t.test('the service and its tools verify a private CA', async (t) => {
  const { byName, byAddress, ca } = await startTlsDatabase(t, folder, ['localhost'])
  const env = { DATABASE_URL: byName, DATABASE_TLS: 'verify', DATABASE_CA: ca }
  const app = await setUp(t, env)
  const ada = await signUp(app, 'Ada')
  // More at once than one connection serves.
  await Promise.all(Array.from({ length: 30 }, () => tweet(app, ada)))
  const cli = join(import.meta.dirname, '../../../cli/index.ts')
  const list = promisify(execFile)(process.execPath, [cli, 'jobs', 'list', '--json'], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
  })
  t.match(JSON.parse((await list).stdout), { total: Number })
  t.match(await start({ ...env, DATABASE_URL: byAddress }), /IP: 127\.0\.0\.1 is not/)
})

t.test('a database that requires TLS rejects plaintext with advice', async (t) => {
  const { byName, byAddress, ca } = await startTlsDatabase(t, folder, ['127.0.0.1'])
  const verify = { DATABASE_TLS: 'verify', DATABASE_CA: ca }
  t.match(await start({ DATABASE_URL: byAddress }), /set DATABASE_TLS to verify/)
  t.equal(await start({ DATABASE_URL: `${byAddress}?ssl-mode=REQUIRED` }), 'connected')
  t.equal(await start({ DATABASE_URL: byAddress, ...verify }), 'connected')
  t.match(
    await start({ DATABASE_URL: byName, ...verify }),
    /^TLS with the database .*Host: localhost\. is not/,
    'a certificate for another name',
  )
  t.match(
    await start({ DATABASE_URL: byAddress, DATABASE_TLS: 'verify' }),
    /^TLS with the database .*DATABASE_CA.*unable to verify/,
    'an authority that is not trusted',
  )
})

t.test('nothing is sent to a database without TLS if TLS is required', async (t) => {
  const withoutTls = isMysql ? '--tls-version=' : '--skip-ssl'
  const { url } = await startTestDatabase(t, folder, [withoutTls])
  for (const parameter of [
    'ssl-mode=REQUIRED',
    'ssl-mode=PREFERRED',
    'sslaccept=strict',
    'ssl=true',
  ])
    t.match(await start({ DATABASE_URL: `${url}?${parameter}` }), /has no TLS/, parameter)
  for (const DATABASE_TLS of ['on', 'verify'])
    t.match(await start({ DATABASE_URL: url, DATABASE_TLS }), /has no TLS/, DATABASE_TLS)
  t.equal(await start({ DATABASE_URL: `${url}?ssl-mode=DISABLED` }), 'connected')
})
