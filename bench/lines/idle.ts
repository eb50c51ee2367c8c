import { setTimeout as sleep } from 'node:timers/promises'
import { statusOf } from '../database.ts'
import type { Line } from './line.ts'

/** Seconds per measurement. */
const SECONDS = 10
/** Several polls of a worker. */
const QUICK_SECONDS = 3

export default {
  name: 'idle',
  title: 'idle',
  a: 'statements a second of an idle process',
  unit: 'statements/s',
  goal: { atMost: 2 },
  async prepare({ pool, settle, quick }) {
    await settle()
    const seconds = quick ? QUICK_SECONDS : SECONDS
    return {
      a: async () => {
        const before = await statusOf(pool, 'Questions')
        await sleep(seconds * 1000)
        // The second look is a statement as well.
        return ((await statusOf(pool, 'Questions')) - before - 1) / seconds
      },
      warmUps: 0,
    }
  },
} satisfies Line
