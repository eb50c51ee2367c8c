import { setTimeout as sleep } from 'node:timers/promises'
import type { House } from '../house.ts'

/** A fault under load; `during` ends when the part that failed is back. */
export type Fault = { name: string; title: string; during: (house: House) => Promise<void> }

export const faults: Fault[] = [
  {
    name: 'kill',
    title: 'kill -9 of an API process, 6 times in turn, each when the last one is back',
    async during({ processes }) {
      for (const one of [...processes, ...processes, ...processes]) {
        one.kill()
        await one.back()
        await sleep(1_000)
      }
    },
  },
  {
    name: 'database',
    title: 'kill -9 of the database, twice, started again after 3 s',
    async during({ database }) {
      for (let n = 0; n < 2; n++) {
        database.kill()
        await sleep(3_000)
        await database.start()
        if (n === 0) await sleep(5_000)
      }
    },
  },
  {
    name: 'freeze',
    title: 'the database stopped with SIGSTOP for 20 s',
    async during({ database }) {
      database.pause()
      await sleep(20_000)
      database.resume()
    },
  },
  {
    name: 's3',
    title: 'the store of pictures away for 15 s; the load sends none',
    async during({ s3 }) {
      await s3.stop()
      await sleep(15_000)
      await s3.start()
    },
  },
]
