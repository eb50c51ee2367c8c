import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { type Test, test } from 'tap'
import type { Env } from '../../plugins/config/index.ts'
import { settings } from '../helper.ts'
import { runningIn, spawnServer, temporaryFolder } from './spawn.ts'

/** Starts it, expects it to refuse; what it printed besides progress. */
async function refusal(t: Test, env: Env) {
  const { code, errors } = await (await spawnServer(t, env)).exited
  t.equal(code, 1)
  t.notMatch(errors, /^\s+at /m, 'no stack trace')
  return errors.trim()
}

async function listening(t: Test) {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

test('a taken port is reported with advice', async (t) => {
  const folder = temporaryFolder(t)
  const port = await listening(t)
  const sentence = await refusal(t, { LOCAL_DIR: join(folder, 'local'), PORT: String(port) })
  const next = port + 1
  t.equal(
    sentence,
    `Port ${port} is taken. Stop the program that uses it, or choose another port: PORT=${next}`,
  )
  t.same(runningIn(folder), [])
})

test('wrong settings are named before anything is started', async (t) => {
  const folder = temporaryFolder(t)
  const LOCAL_DIR = join(folder, 'local')
  const sentence = await refusal(t, { LOCAL_DIR, PORT: 'many', LOG_LEVEL: 'loud' })
  t.match(sentence, /^Correct these settings:\n- PORT: .*\n- LOG_LEVEL: .*$/)
  t.match(await refusal(t, { LOCAL_DIR, LIVE_KEEP_HOURS: '0' }), /\n- LIVE_KEEP_HOURS \(live\): it/)
  t.notOk(existsSync(LOCAL_DIR))
  t.match(
    await refusal(t, { ...(await settings(t)), HOST: '203.0.113.1', LOCAL_DIR }),
    /^HOST is not an address of this machine/,
  )
})

test('wrong credentials of DATABASE_URL are reported without the password', async (t) => {
  const env = await settings(t)
  const DATABASE_URL = env.DATABASE_URL?.replace(/:[^:@]+@/, ':hunter2@')
  const sentence = await refusal(t, { ...env, DATABASE_URL })
  t.match(sentence, /^The database rejects the user or the password of DATABASE_URL.*$/)
  t.notMatch(sentence, /hunter2/)
})

test('production lists all missing or weak settings without their values', async (t) => {
  const env = {
    NODE_ENV: 'production',
    JWT_SECRETS: 'hunter2',
    DATABASE_URL: 'postgres://user:swordfish@host/name',
  }
  const output = await refusal(t, env)
  for (const name of ['DATABASE_URL', 'S3_REGION', 'S3_BUCKET', 'JWT_SECRETS'])
    t.match(output, new RegExp(`^- ${name}: `, 'm'))
  t.notMatch(output, /hunter2|swordfish/)
})

test('production without credentials for the bucket leaves the database alone', async (t) => {
  const env = await settings(t, { empty: true })
  const none = {
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    // Neither those of the machine that runs the test.
    AWS_EC2_METADATA_DISABLED: 'true',
    HOME: temporaryFolder(t),
  }
  const production = { ...env, NODE_ENV: 'production' }
  const [all, half] = await Promise.all([
    refusal(t, { ...production, ...none }),
    refusal(t, { ...production, ...none, AWS_ACCESS_KEY_ID: 'key' }),
  ])
  t.match(all, /^No credentials .* Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or .*$/)
  t.match(
    half,
    /\n- AWS_SECRET_ACCESS_KEY: it is not set; set it too, since AWS_ACCESS_KEY_ID is set/,
  )
  const connection = await createConnection(env.DATABASE_URL ?? '')
  const [tables] = await connection.query('SHOW TABLES')
  await connection.end()
  t.strictSame(tables, [])
})

test('a missing extension and a missing bucket are reported', async (t) => {
  const env = await settings(t)
  const [extension, bucket] = await Promise.all([
    refusal(t, { ...env, EXTENSIONS: './no-such-thing' }),
    refusal(t, { ...env, S3_BUCKET: 'no-such-bucket' }),
  ])
  t.match(
    extension,
    /^Extension no-such-thing: EXTENSIONS names \.\/no-such-thing, which is neither .*$/,
  )
  t.match(
    bucket,
    /^The bucket no-such-bucket cannot be reached at S3_ENDPOINT http.* no such bucket \(404\).*$/,
  )
})
