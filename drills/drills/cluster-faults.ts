import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDatabaseBalancer } from '../database-balancer.ts'
import { startGalera } from '../galera.ts'
import { startGroup } from '../group.ts'
import type { House, Stops } from '../house.ts'
import { note } from '../logs.ts'
import type { Fault } from '../measure.ts'
import { startReplication } from '../replication.ts'

export const clusterFaults: Fault[] = [
  {
    name: 'galera',
    title: 'kill -9 of each of three Galera nodes in turn, each rejoins after 5 s',
    seconds: 5,
    secondsForAlerts: 15,
    alerts: ['BirdhouseServerDown', 'BirdhouseFailover'],
    async prepare(stops) {
      const { cluster, options } = await galera(stops)
      return {
        options,
        async during(_, seconds) {
          for (const node of cluster.nodes) {
            note(`kill -9 of port ${node.port}`)
            node.kill()
            await sleep(seconds * 1000)
            note('rejoins')
            await cluster.rejoin(node)
            note('synced')
            await sleep(2_000)
          }
        },
      }
    },
  },
  {
    name: 'isolated',
    title: 'the Galera node that takes the writes is stopped with SIGSTOP for 15 s',
    seconds: 15,
    alerts: ['BirdhouseServerDown', 'BirdhouseFailover'],
    async prepare(stops) {
      const { cluster, options } = await galera(stops)
      const [first] = cluster.nodes
      return {
        options,
        async during(_, seconds) {
          first?.pause()
          await sleep(seconds * 1000)
          first?.resume()
          await first?.untilSynced()
        },
      }
    },
  },
  {
    name: 'mysql',
    title:
      'kill -9 of each of three MySQL servers in group replication in turn, each rejoins after 5 s',
    seconds: 5,
    secondsForAlerts: 15,
    alerts: ['BirdhouseServerDown', 'BirdhouseFailover'],
    async prepare(stops) {
      const folder = temporary(stops, 'birdhouse-group-')
      const { members, urlOf } = await startGroup(stops, folder)
      const options = await balance(stops, folder, 'group-replication.cfg', members, urlOf)
      return {
        options,
        async during(_, seconds) {
          for (const member of members) {
            note(`kill -9 of port ${member.port}`)
            member.kill()
            await sleep(seconds * 1000)
            note('rejoins')
            await member.start()
            note('online')
            await sleep(2_000)
          }
        },
      }
    },
  },
  {
    name: 'promote',
    title: 'kill -9 of a primary with a semi-synchronous replica, which is promoted after 3 s',
    seconds: 3,
    alerts: ['BirdhouseServerDown', 'BirdhouseFailover'],
    async prepare(stops) {
      const folder = temporary(stops, 'birdhouse-replication-')
      const { ports, urlOf, replica, killPrimary, promote } = await startReplication(stops, folder)
      const servers = ports.map((port) => ({ port }))
      const options = await balance(stops, folder, 'primary.cfg', servers, urlOf)
      let before = ''
      return {
        options: { ...options, env: { DATABASE_REPLICA_URLS: urlOf(replica.port) } },
        async during(house, seconds) {
          before = await replicaReads(house)
          note('kill -9 of the primary')
          killPrimary()
          await sleep(seconds * 1000)
          await promote()
          note('promoted')
        },
        after: async (house) => ({
          'replica serves before, after': `${before}, ${await replicaReads(house)}`,
        }),
      }
    },
  },
]

/** 1 while a process reads from its replica, else 0. */
async function replicaReads({ metricsPorts: { service } }: House) {
  const text = await (await fetch(`http://127.0.0.1:${service[0]}/metrics`)).text()
  return /^birdhouse_db_replica_serves\{.*\} (\d)$/m.exec(text)?.[1] ?? 'none'
}

async function galera(stops: Stops) {
  const folder = temporary(stops, 'birdhouse-galera-')
  const cluster = await startGalera(stops, folder)
  const options = await balance(stops, folder, 'galera.cfg', cluster.nodes, cluster.urlOf)
  return { cluster, options }
}

function temporary(stops: Stops, name: string) {
  const folder = mkdtempSync(join(tmpdir(), name))
  stops.add(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

async function balance(
  stops: Stops,
  folder: string,
  config: string,
  servers: { port: number }[],
  urlOf: (port: number) => string,
) {
  const ports = servers.map((one) => one.port)
  const { port, metricsPort, stop } = await startDatabaseBalancer(folder, config, ports)
  stops.add(stop)
  return { databaseUrl: urlOf(port), balancerMetrics: [metricsPort] }
}
