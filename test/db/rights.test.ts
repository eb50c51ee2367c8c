import { randomBytes } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import t from 'tap'
import { build } from '../../app.ts'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { drained, like, read, settings, signUp, tweet } from '../helper.ts'
import { migrateAll } from '../template.ts'

// The rights that docs/operating-mysql.md names.
const DATA = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']
const SCHEMA = ['CREATE', 'ALTER', 'INDEX', 'REFERENCES']

const env = await settings(t, { empty: true })
const url = new URL(env.DATABASE_URL ?? '')
const admin = await createConnection(connectionOptions(env))
t.teardown(() => admin.end())

/** The URL for a new user of the database, who has these rights alone. */
async function urlWith(rights: string[]) {
  const name = `user_${randomBytes(4).toString('hex')}`
  const password = randomBytes(16).toString('hex')
  await admin.query(`CREATE USER ${name}@'%' IDENTIFIED BY '${password}'`)
  await admin.query(`GRANT ${rights.join(', ')} ON ${url.pathname.slice(1)}.* TO ${name}@'%'`)
  t.teardown(() => admin.query(`DROP USER ${name}@'%'`))
  return Object.assign(new URL(url), { username: name, password }).href
}

t.test('one user migrates, another without rights to the schema runs the service', async (t) => {
  const running = { ...env, DATABASE_URL: await urlWith(DATA) }
  await t.rejects(build(running), /CREATE command denied/, 'before the migrations')

  t.ok((await migrateAll(await urlWith([...DATA, ...SCHEMA]))) > 0)

  const app = await build(running)
  t.teardown(() => app.close())
  const [ada, bo] = [await signUp(app, 'Ada'), await signUp(app, 'Bo')]
  const { id } = await tweet(app, ada, 'with few rights #rights @bo')
  await like(app, bo, id)
  await drained(app)
  t.match(await read(app, `/v1/tweets/${id}`, bo), { likeCount: 1, liked: true })
})
