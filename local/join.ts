import type { Progress } from '../db/migrate.ts'
import type { Env } from '../plugins/config/index.ts'
import { inLocalFolder, localNeeds, startLocal, withStores } from './index.ts'
import type { OnStop } from './needs.ts'
import { startOrFind } from './stores.ts'

/**
 * For command-line tools: the settings that lead to the database and the S3 store of the service that
 * runs on LOCAL_DIR. If no service runs, starts both stores for the lifetime of the tool; `onStop` gets
 * the functions that stop them, to be called in reverse order. Given settings are returned unchanged, as
 * are all settings in production. The tables are not migrated: call `migrate` if you need that.
 *
 *     const stops: (() => Promise<unknown>)[] = []
 *     const settings = await joinLocal(readEnv(), console.error, (stop) => stops.push(stop))
 *     // ... work ...
 *     for (const stop of stops.reverse()) await stop()
 *
 * A signal ends a process at once and leaves the database running; a tool that calls `process.exit` on
 * SIGINT and SIGTERM also stops the database.
 * @throws Error with a sentence that says what to change.
 */
export async function joinLocal(env: Env, progress: Progress, onStop: OnStop): Promise<Env> {
  const needs = localNeeds(env)
  if (!needs) return env
  if (!needs.database && !needs.s3) return startLocal(env, progress, onStop)
  return inLocalFolder(env, async (folder) => {
    const { own, running } = await startOrFind(needs, folder, progress, onStop)
    const stores = own ?? running
    if (!stores) throw busy(folder)
    if (needs.database && !stores.database) throw databaseElsewhere(folder)
    if (needs.s3) useCredentials(stores.s3)
    return withStores(env, needs, folder, stores)
  })
}

/** The AWS SDK reads credentials from the environment. */
function useCredentials({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }: Env = {}) {
  if (AWS_ACCESS_KEY_ID) Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY })
}

const databaseElsewhere = (folder: string) =>
  new Error(
    `The service that uses ${folder} has its own DATABASE_URL. Give this command the same DATABASE_URL.`,
  )

const busy = (folder: string) =>
  new Error(
    `${folder} is in use by another command, or by a service that takes long to start. Try again later.`,
  )
