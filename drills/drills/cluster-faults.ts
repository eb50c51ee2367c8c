import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDatabaseBalancer } from '../database-balancer.ts'
import { startGalera } from '../galera.ts'
import type { Stops } from '../house.ts'
import type { Fault } from '../measure.ts'

/** Synced, and in the part of the group that has a majority. */
const GALERA = {
  statement:
    "SELECT GROUP_CONCAT(VARIABLE_VALUE ORDER BY VARIABLE_NAME DESC SEPARATOR '-') FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN ('WSREP_READY', 'WSREP_LOCAL_STATE')",
  healthy: 'ON-4',
  plugin: 'mysql_native_password',
}

export const clusterFaults: Fault[] = [
  {
    name: 'galera',
    title: 'kill -9 of each of three Galera nodes in turn, each rejoins after 5 s',
    seconds: 5,
    alerts: ['BirdhouseDatabaseServerDown'],
    async prepare(stops) {
      const { cluster, databaseUrl } = await galera(stops)
      return {
        options: { databaseUrl },
        async during(_, seconds) {
          for (const node of cluster.nodes) {
            node.kill()
            await sleep(seconds * 1000)
            await cluster.rejoin(node)
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
    alerts: ['BirdhouseDatabaseServerDown'],
    async prepare(stops) {
      const { cluster, databaseUrl } = await galera(stops)
      const [first] = cluster.nodes
      return {
        options: { databaseUrl },
        async during(_, seconds) {
          first?.pause()
          await sleep(seconds * 1000)
          first?.resume()
          await first?.untilSynced()
        },
      }
    },
  },
]

async function galera(stops: Stops) {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-galera-'))
  stops.add(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const cluster = await startGalera(stops, folder)
  const ports = cluster.nodes.map(({ port }) => port)
  const balancer = await startDatabaseBalancer({ folder, ports, ...GALERA })
  stops.add(balancer.stop)
  return { cluster, databaseUrl: cluster.urlOf(balancer.port) }
}
