import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '../db/migrate.ts'
import { lockFolder } from './lock.ts'
import { startMariadb } from './mariadb.ts'
import type { Needs, OnStop } from './needs.ts'
import { forgetRunning, readRunning, type Stores } from './running.ts'
import { startS3 } from './s3.ts'

/** Milliseconds; a start on existing files takes 2 s, a stop under load 10 s. */
const PATIENCE = 15_000
const POLL = 100

/**
 * The stores in the folder: `own` if this call has started them, `running` if a service in another
 * process has announced them. Neither if another process holds the folder for `PATIENCE` without
 * announcing its stores.
 */
export async function startOrFind(
  needs: Needs,
  folder: string,
  progress: Progress,
  onStop: OnStop,
): Promise<{ own?: Stores; running?: Stores }> {
  const deadline = performance.now() + PATIENCE
  for (let waits = 0; performance.now() < deadline; waits++) {
    const unlock = lockFolder(folder)
    if (unlock) {
      onStop(unlock)
      return { own: await start(needs, folder, progress, onStop) }
    }
    const running = readRunning(folder)
    if (running) return { running }
    if (waits === 0) progress(`another process uses ${folder}; waiting for it`)
    await sleep(POLL)
  }
  return {}
}

async function start(needs: Needs, folder: string, progress: Progress, onStop: OnStop) {
  // A killed service may have left the file; its database is stopped below.
  forgetRunning(folder)
  const stores: Stores = {}
  if (needs.database) {
    const mariadb = await startMariadb({ folder: join(folder, 'mariadb'), progress, onStop })
    stores.database = { DATABASE_URL: mariadb.url }
    progress(`MariaDB runs on port ${mariadb.port}`)
  }
  if (needs.s3) {
    const s3 = await startS3({ folder: join(folder, 's3'), bucket: 'birdhouse' })
    onStop(s3.stop)
    stores.s3 = s3.settings
    progress(`S3 runs at ${s3.settings.S3_ENDPOINT}`)
  }
  return stores
}
