import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { settings } from '../helper.ts'
import { startTcpProxy } from '../tcp-proxy.ts'
import { runningIn, type Server, spawnServer, temporaryFolder } from './spawn.ts'

const EMAIL = 'ada@example.com'
const PASSWORD = 'correct horse battery'

const post = (server: Server, path: string, body: object) =>
  fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const signUp = (server: Server) =>
  post(server, '/v1/auth/sign-up', { name: 'Ada', email: EMAIL, password: PASSWORD })

const login = (server: Server) =>
  post(server, '/v1/auth/login', { email: EMAIL, password: PASSWORD })

async function stopped(t: Test, server: Server, folder: string) {
  const begin = performance.now()
  server.interrupt()
  const { code } = await server.exited
  t.comment(`stopped after ${Math.round(performance.now() - begin)} ms`)
  t.equal(code, 0, 'Ctrl-C ends it well')
  t.same(runningIn(folder), [], 'nothing is left running')
}

test('npm start works at first, again, and after a kill', async (t) => {
  const folder = temporaryFolder(t)
  // Longer than the 107 bytes of a socket's path.
  const env = { LOCAL_DIR: join(folder, 'long'.repeat(40), 'local') }

  const first = await spawnServer(t, env)
  t.comment(`first start: ${await first.ready()} ms`)
  t.match(first.output(), /creating the database files/)
  t.match(first.output(), /migration steps applied/)
  t.equal((await signUp(first)).status, 201)
  t.match(first.output(), new RegExp(`Birdhouse is at ${first.url}`))
  await stopped(t, first, folder)

  const second = await spawnServer(t, env)
  t.comment(`second start: ${await second.ready()} ms`)
  t.notMatch(second.output(), /creating|migration/)
  t.equal((await login(second)).status, 200, 'data, keys and secrets are kept')

  const third = await spawnServer(t, env)
  const { code, errors } = await third.exited
  t.equal(code, 1, 'a second instance on the folder is refused')
  t.match(errors.trim(), /^Another instance is using .*LOCAL_DIR=.*$/)
  t.equal((await login(second)).status, 200, 'the first instance is unaffected')

  second.child.kill('SIGKILL')
  await second.exited
  t.equal(runningIn(folder).length, 1, 'the killed one leaves its database running')
  const fourth = await spawnServer(t, env)
  t.comment(`start after kill -9: ${await fourth.ready()} ms`)
  t.equal((await login(fourth)).status, 200, 'the next start stops the left database')
  t.equal(runningIn(folder).length, 1)
  await stopped(t, fourth, folder)
})

test('a first start can be interrupted or killed at any moment', async (t) => {
  const folder = temporaryFolder(t)
  const env = { LOCAL_DIR: join(folder, 'local') }
  // Milliseconds; without load the files exist after about 1,000, the database is up at 1,700.
  for (const moment of [50, 600, 1000, 1500]) {
    const server = await spawnServer(t, env)
    await sleep(moment)
    const begin = performance.now()
    server.interrupt()
    const { code, errors } = await server.exited
    const took = Math.round(performance.now() - begin)
    // Before the first line of ours runs, the signal itself ends the process.
    t.ok(code === 0 || code === null, `after ${moment} ms: ends in ${took} ms`)
    t.equal(errors, '', 'without a complaint')
    for (let i = 0; i < 100 && runningIn(folder).length > 0; i++) await sleep(20)
    t.same(runningIn(folder), [], 'nothing is left running')
  }
  for (const moment of [700, 1200]) {
    const server = await spawnServer(t, env)
    await sleep(moment)
    server.child.kill('SIGKILL')
    await server.exited
  }
  const survivor = await spawnServer(t, env)
  await survivor.ready()
  t.equal((await signUp(survivor)).status, 201)
  await stopped(t, survivor, folder)
})

test('two signals in a row, as npm sends them, count as one', async (t) => {
  const env = { ...(await settings(t)), NODE_ENV: 'production' }
  const server = await spawnServer(t, env)
  await server.ready()
  for (const pause of [0, 0, 1, 5, 30]) {
    server.interrupt()
    await sleep(pause)
  }
  t.equal((await server.exited).code, 0)
})

test('with a database and a store given, nothing is embedded', async (t) => {
  const folder = temporaryFolder(t)
  const local = join(folder, 'local')
  const server = await spawnServer(t, { ...(await settings(t)), LOCAL_DIR: local })
  await server.ready()
  t.equal((await signUp(server)).status, 201)
  t.notOk(existsSync(local))
  server.interrupt()
  t.equal((await server.exited).code, 0)
})

test('in production a start waits for a database that is not there yet', async (t) => {
  const env = await settings(t)
  const relay = await startTcpProxy(t, env.DATABASE_URL ?? '')
  relay.cut()
  const server = await spawnServer(t, {
    ...env,
    DATABASE_URL: relay.url,
    NODE_ENV: 'production',
  })
  while (!server.output().includes('the database is not there')) await sleep(50)
  relay.mend()
  await server.ready()
  t.equal((await fetch(`${server.url}/readyz`)).status, 200)
})
