import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../measure.ts'
import { clusterFaults } from './cluster-faults.ts'
import { databaseFaults } from './database-faults.ts'
import { helperFaults } from './helper-faults.ts'
import { pm2Faults } from './pm2-faults.ts'

export const faults: Fault[] = [
  {
    name: 'healthy',
    title: 'no fault, for 20 s',
    seconds: 20,
    alerts: [],
    prepare: () => ({ during: (_, seconds) => sleep(seconds * 1000) }),
  },
  {
    name: 'kill',
    title: 'kill -9 of an API process, 6 times, each when the last one is back',
    seconds: 6,
    secondsForAlerts: 6,
    alerts: ['BirdhouseRestarts'],
    prepare: () => ({
      async during({ processes }, seconds) {
        for (let n = 0; n < seconds; n++) {
          // Each is killed three times in succession, which is what the alert looks for.
          const one = processes[Math.floor((n * processes.length) / seconds)]
          one?.kill()
          await one?.back()
          await sleep(1_000)
        }
      },
    }),
  },
  {
    name: 'database',
    title: 'kill -9 of the database, twice, started again after 3 s',
    seconds: 3,
    alerts: ['BirdhouseCheckFailing'],
    prepare: () => ({
      async during({ database }, seconds) {
        for (let n = 0; n < 2; n++) {
          database.kill()
          await sleep(seconds * 1000)
          await database.start()
          if (n === 0) await sleep(5_000)
        }
      },
    }),
  },
  {
    name: 'freeze',
    title: 'the database stopped with SIGSTOP for 20 s',
    seconds: 20,
    alerts: ['BirdhouseCheckFailing'],
    prepare: () => ({
      async during({ database }, seconds) {
        database.pause()
        await sleep(seconds * 1000)
        database.resume()
      },
    }),
  },
  {
    name: 'balancer',
    title: 'kill -9 of HAProxy, started again after 3 s',
    seconds: 3,
    alerts: ['BirdhouseNoRequests', 'BirdhouseBalancerDown'],
    prepare: () => ({
      async during({ balancer }, seconds) {
        balancer.stop()
        await sleep(seconds * 1000)
        await balancer.start()
      },
    }),
  },
  ...databaseFaults,
  ...helperFaults,
  ...pm2Faults,
  ...clusterFaults,
]
