import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../measure.ts'
import { createPm2 } from '../pm2.ts'
import { untilReady } from '../processes.ts'

/** Milliseconds between two looks at the metrics. */
const LOOK = 250

export const pm2Faults: Fault[] = [
  {
    name: 'reload',
    title: '20 reloads under PM2, then one to a version that does not boot',
    seconds: 20,
    secondsForAlerts: 5,
    alerts: [],
    prepare(stops) {
      const pm2 = createPm2(stops)
      let refused = false
      const looks = { all: 0, failed: 0 }
      return {
        options: { startService: pm2.start },
        async during({ metricsPorts }, reloads) {
          const over = new AbortController()
          const watching = watch(metricsPorts.service, looks, over.signal)
          for (let n = 0; n < reloads; n++) await pm2.reload()
          over.abort()
          await watching
          appendFileSync(join(pm2.project, 'app.ts'), "\nthrow new Error('broken')\n")
          const outcome = await pm2.reload().catch((error) => error)
          refused = /no running process was replaced/.test(outcome.stderr)
        },
        after: async () => ({
          'broken version': refused ? 'refused' : 'NOT REFUSED',
          'looks at metrics': looks.all,
          'without metrics': looks.failed,
        }),
      }
    },
  },
  {
    name: 'pm2',
    title: "kill -9 of PM2's daemon; started again after 3 s, as systemd does",
    seconds: 3,
    alerts: ['BirdhouseProcessDown'],
    prepare(stops) {
      const pm2 = createPm2(stops)
      return {
        options: { startService: pm2.start },
        async during({ url }, seconds) {
          process.kill(pm2.daemon(), 'SIGKILL')
          await sleep(seconds * 1000)
          await pm2.reload()
          await untilReady(url)
        },
      }
    },
  },
]

/** Counts the times at which a metrics port does not answer. */
async function watch(ports: number[], looks: { all: number; failed: number }, over: AbortSignal) {
  while (!over.aborted) {
    for (const port of ports) {
      const isThere = await fetch(`http://127.0.0.1:${port}/metrics`).then(
        async (response) => (await response.text()).includes('birdhouse_health_check'),
        () => false,
      )
      looks.all++
      if (!isThere) looks.failed++
    }
    await sleep(LOOK)
  }
}
