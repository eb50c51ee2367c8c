import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import getPort from 'get-port'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { startMariadb } from '../../local/mariadb.ts'
import { findProgram } from '../../local/mariadb-install.ts'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { temporaryFolder } from '../server/spawn.ts'

const NOBODY = 65_534
/** Only root may run a program as another user; other users run the client as themselves. */
const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

const base = join(temporaryFolder(t), 'mariadb')
const port = await getPort({ host: '127.0.0.1' })
const mariadb = await startMariadb({ folder: base, port })
t.teardown(mariadb.stop)

/** The answer to the command-line client of another user of the machine. */
function answerTo(args: string[], statement = 'SELECT 1') {
  const client = findProgram('mariadb') ?? ''
  const options = ['--no-defaults', `--port=${port}`, ...args, `--execute=${statement}`]
  const { status, stderr } = spawnSync(client, options, { ...asNobody, encoding: 'utf8' })
  return { status, stderr }
}

t.test('another user of the machine gets in with no account and no file', async (t) => {
  for (const user of ['root', 'birdhouse', 'mariadb.sys', ''])
    for (const host of ['127.0.0.1', 'localhost', '::1', hostname()]) {
      const args = [`--user=${user}`, `--host=${host}`, '--protocol=tcp']
      t.match(answerTo(args), { status: 1, stderr: /ERROR (1045|1130|2002|2005)/ }, args.join(' '))
    }
  t.equal(statSync(base).mode & 0o777, 0o700)
  const look = spawnSync('ls', [base], { ...asNobody, encoding: 'utf8' })
  if (asNobody.uid) t.match(look.stderr, 'Permission denied')
})

t.test("the service's own account reaches one database and no file", async (t) => {
  const connection = await createConnection(connectionOptions({ DATABASE_URL: mariadb.url }))
  t.teardown(() => connection.end())
  const rows = async (sql: string) => (await connection.query<RowDataPacket[]>(sql))[0]
  const databases = (await rows('SHOW DATABASES')).map(({ Database }) => Database)
  t.strictSame(databases.sort(), ['birdhouse', 'information_schema'])
  await t.rejects(rows('SELECT * FROM mysql.global_priv'), { code: 'ER_TABLEACCESS_DENIED_ERROR' })
  await t.rejects(rows('CREATE DATABASE another'), { code: 'ER_DBACCESS_DENIED_ERROR' })
  const out = join(base, 'data/written')
  await t.rejects(rows(`SELECT 1 INTO OUTFILE '${out}'`), {
    code: 'ER_SPECIFIC_ACCESS_DENIED_ERROR',
  })
  t.notOk(existsSync(out))
  const [values] = await rows('SELECT @@secure_file_priv AS folder, @@local_infile AS local')
  t.equal(values?.local, 0)
  t.strictSame(readdirSync(values?.folder), [], 'no account reads or writes files elsewhere')
})

t.test(
  'the accounts of files that an older version made are removed at the next start',
  async (t) => {
    await mariadb.stop()
    const open = await startMariadb({ folder: base, port, everyDatabase: true })
    const connection = await createConnection(connectionOptions({ DATABASE_URL: open.url }))
    await connection.query("CREATE USER root@'127.0.0.1', ''@'%'")
    await connection.query("GRANT ALL ON *.* TO root@'127.0.0.1'")
    await connection.end()
    t.equal(answerTo(['--user=root', '--host=127.0.0.1']).status, 0)
    await open.stop()
    const again = await startMariadb({ folder: base, port })
    t.teardown(again.stop)
    t.equal(answerTo(['--user=root', '--host=127.0.0.1']).status, 1)
    t.equal(answerTo(['--user=any', '--host=127.0.0.1']).status, 1)
  },
)
