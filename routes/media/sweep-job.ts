import type { FastifyInstance } from 'fastify'
import type { JobContext } from '../../plugins/jobs/types.ts'
import type { Sweep } from './sweep.ts'

/** Seconds between two sweeps, and for a run of one; a longer one is gone on with. */
const EVERY = 24 * 3600
const TIMEOUT = 3600
/** With so many orphans, and more of them than pictures, the bucket is likely another database's. */
const SUSPICIOUS = 1_000

type Progress = { position: string; seen: number; found: number }

/** Sweeps the bucket once a day, beside the service. */
export function createSweepJob(app: FastifyInstance, { walk }: Sweep) {
  async function sweep(_: object, { progress, save, signal }: JobContext) {
    // What was saved below, or null.
    let { position, seen, found } = (progress as Progress | null) ?? START
    for await (const page of walk(position)) {
      seen += page.seen
      found += page.orphans.length
      position = page.position
      if (found >= SUSPICIOUS && found > seen / 2) {
        app.log.error(
          { seen, found },
          'most objects in the bucket belong to no picture of this database; nothing more is removed. See npm run media:sweep.',
        )
        return
      }
      if (page.orphans.length > 0) await app.s3.remove(page.orphans)
      await save({ position, seen, found })
      signal.throwIfAborted()
    }
    if (found > 0) app.log.info({ seen, found }, 'objects that belonged to no picture are removed')
  }

  app.jobs.every('media.sweep', EVERY, sweep, { timeout: TIMEOUT, lane: 's3' })
}

const START: Progress = { position: '', seen: 0, found: 0 }
