import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import getPort from 'get-port'
import t, { type Test } from 'tap'
import { type App, call, read, relate, setUp, signUp, tweet } from '../helper.ts'
import { startReplication } from '../replication.ts'

const replication = await startReplication(t)
const metricsPort = await getPort({ host: '127.0.0.1' })
const env = {
  DATABASE_URL: replication.primaryUrl,
  DATABASE_REPLICA_URLS: replication.replicaUrl,
  JWT_SECRETS: randomBytes(32).toString('hex'),
}
const app = await setUp(t, { ...env, METRICS_PORT: String(metricsPort) })
const other = await setUp(t, env)
const ada = await signUp(app, 'Ada')
const eve = await signUp(app, 'Eve')
await relate(app, eve, 'follow', ada)

const state = async (at: App) => (await call(at, 'GET /readyz')).body
const serves = async (expected: 'ok' | 'failed') => {
  for (const at of [app, other])
    while ((await state(at)).checks.replicas !== expected) await sleep(50)
}

/** Reads that each server has answered for the first process. */
async function countReads() {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  const series = text.matchAll(/^birdhouse_db_replica_reads_total\{server="(.*)"\} (\d+)$/gm)
  return new Map(Array.from(series, ([, server, count]) => [server, Number(count)]))
}

/** Writes at one process and reads at the other, or reads at the writer: nothing may be missing. */
async function readsAreExact(t: Test) {
  for (const at of [other, app, other, app]) {
    const { id } = await tweet(app, ada)
    t.equal((await read(at, `/v1/users/${ada.id}/tweets`, ada)).items[0].id, id, 'the list')
    t.equal((await read(at, '/v1/tweets')).items[0].id, id, 'for strangers too')
    t.equal((await read(at, '/v1/timeline', eve)).items[0].id, id, 'the timeline')
  }
}

t.test(
  'lists are read from a replica, and show every write at once in every process',
  async (t) => {
    await serves('ok')
    const { host } = new URL(replication.replicaUrl)
    const before = (await countReads()).get(host) ?? 0
    await readsAreExact(t)
    const counts = await countReads()
    t.equal(counts.get(host), before + 4, 'the replica has run the lists of this process')
    t.notOk(counts.has('primary'))
    await call(other, `PUT /v1/users/${eve.id}/block`, { as: ada })
    const path = `/v1/users/${ada.id}/tweets`
    t.same((await read(app, path, eve)).items, [], 'a block holds at once')
    await call(other, `DELETE /v1/users/${eve.id}/block`, { as: ada })
    await relate(app, eve, 'follow', ada)
    t.equal((await read(other, `/v1/users/${ada.id}/followers`)).items[0].id, eve.id)
    t.equal((await read(other, `/v1/users/${ada.id}`)).followerCount, 1)
  },
)

t.test('a replica that has stopped, or is 5 s late, is left out and comes back', async (t) => {
  await replication.stopReplicating()
  await readsAreExact(t)
  await serves('failed')
  t.equal((await state(app)).status, 'ready', 'the primary serves')
  await replication.delay(5)
  await readsAreExact(t)
  await serves('failed')
  await replication.delay(0)
  await serves('ok')
  await readsAreExact(t)
})

t.test('a replica that is gone is left out and comes back', async (t) => {
  await replication.stop()
  await readsAreExact(t)
  await serves('failed')
  await replication.start()
  await serves('ok')
  await readsAreExact(t)
})

t.test('a replica that hangs is left out and comes back', async (t) => {
  replication.freeze()
  await readsAreExact(t)
  await serves('failed')
  replication.thaw()
  await serves('ok')
  await readsAreExact(t)
})

t.test('a start does not wait for a replica', async (t) => {
  const away = await setUp(t, { ...env, DATABASE_REPLICA_URLS: 'mysql://a:b@127.0.0.1:1/c' })
  t.equal((await read(away, '/v1/tweets')).items.length, 20)
  t.equal((await state(away)).checks.replicas, 'failed')
})

t.test(
  'a replica that has been promoted is left out, since its writes are not those of the primary',
  async (t) => {
    await replication.promote()
    await replication.onReplica(
      "INSERT INTO birdhouse.changes (topic, subject) VALUES ('tweet', 1)",
    )
    await readsAreExact(t)
    await serves('failed')
  },
)
