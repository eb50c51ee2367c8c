import type { Progress } from '../db/migrate.ts'
import type { Env } from '../plugins/config/index.ts'
import { inLocalFolder, localNeeds, startLocal, withStores } from './index.ts'
import type { OnStop } from './needs.ts'
import { useEmbeddedCredentials } from './s3.ts'
import { startOrFind } from './stores.ts'

/**
 * For command-line tools: the settings that lead to the database and the S3 store of the service
 * that runs on LOCAL_DIR, or to its own ones, started for as long as the tool runs when no service
 * does; `onStop` gets what stops those, to be called last one first. Settings that are given are
 * returned as they are, and so is everything in production. The tables are as the service has left
 * them: whoever needs them up to date calls `migrate`.
 *
 *     const stops: (() => Promise<unknown>)[] = []
 *     const settings = await joinLocal(readEnv(), console.error, (stop) => stops.push(stop))
 *     // ... work ...
 *     for (const stop of stops.reverse()) await stop()
 *
 * A signal ends a process on the spot, and then leaves the database running; a tool that calls
 * `process.exit` on SIGINT and SIGTERM takes it along.
 * @throws Error with a sentence that says what to do.
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
    if (needs.s3 && stores.s3) useEmbeddedCredentials()
    return withStores(env, needs, folder, stores)
  })
}

const databaseElsewhere = (folder: string) =>
  new Error(
    `The service that uses ${folder} has its database elsewhere. Give this command the same DATABASE_URL.`,
  )

const busy = (folder: string) =>
  new Error(
    `${folder} is in use by another command, or by a service that takes long to start. Try again when that is through.`,
  )
