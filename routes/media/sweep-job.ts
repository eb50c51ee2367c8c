import type { FastifyInstance, JobContext } from 'birdhouse'
import type { Sweep } from './sweep.ts'

/** Seconds between two sweeps; seconds per run, after which the next run continues. */
const EVERY = 24 * 3600
const TIMEOUT = 3600
/** From this many orphans on, a majority means that the bucket is another database's. */
const SUSPICIOUS = 1_000

type Progress = { position: string; seen: number; found: number }

/** Deletes orphans from the bucket once a day. */
export function createSweepJob(app: FastifyInstance, { walk }: Sweep) {
  async function sweep(_: object, { progress, save, signal }: JobContext) {
    let { position, seen, found } = (progress as Progress | null) ?? START
    for await (const page of walk(position)) {
      seen += page.seen
      found += page.orphans.length
      position = page.position
      if (found >= SUSPICIOUS && found > seen / 2) {
        app.log.error(
          { seen, found },
          'most objects in the bucket belong to no picture of this database, so the sweep stopped. Run npm run media:sweep to list them.',
        )
        return
      }
      if (page.orphans.length > 0) await app.s3.remove(page.orphans)
      await save({ position, seen, found })
      signal.throwIfAborted()
    }
    if (found > 0) app.log.info({ seen, found }, 'deleted objects that belonged to no picture')
  }

  app.jobs.every('media.sweep', EVERY, sweep, { timeout: TIMEOUT, lane: 's3' })
}

const START: Progress = { position: '', seen: 0, found: 0 }
