import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Progress } from '../db/migrate.ts'
import { type Env, parseConfig } from '../plugins/config.ts'
import { adviseFolder } from './advice.ts'
import { keptSecret } from './kept-secret.ts'
import { lockFolder } from './lock.ts'
import { startMariadb } from './mariadb.ts'
import { startS3 } from './s3.ts'

/** Bytes. MariaDB and SQLite take paths of up to 512, of which the files inside need a part. */
const PATH_MAX = 400

export type OnStop = (stop: () => Promise<unknown>) => void

/**
 * Starts whatever the settings lack outside production: a MariaDB, an S3 store, a JWT secret, all
 * kept in LOCAL_DIR. Returns the settings that lead to them; `onStop` gets what stops
 * each of them, as soon as it runs.
 * @throws Error with a sentence that says what to do.
 */
export async function startLocal(env: Env, progress: Progress, onStop: OnStop): Promise<Env> {
  const production = env.NODE_ENV === 'production'
  const needs = {
    database: !env.DATABASE_URL,
    s3: !env.S3_BUCKET && !env.S3_ENDPOINT,
    secret: !env.JWT_SECRETS,
  }
  if (production || !Object.values(needs).some(Boolean)) return env
  // Says what is wrong with the given settings before anything is installed or started.
  parseConfig({ ...standIns(needs), ...env })

  const folder = resolve(env.LOCAL_DIR ?? '.local')
  if (Buffer.byteLength(folder) > PATH_MAX) {
    throw new Error('The path of LOCAL_DIR is too long. Set LOCAL_DIR to a shorter one.')
  }
  try {
    mkdirSync(folder, { recursive: true })
    if (needs.database || needs.s3) onStop(await lockFolder(folder))
    const settings = { ...env }
    if (needs.secret) settings.JWT_SECRETS = keptSecret(join(folder, 'jwt-secret'))
    if (needs.database) {
      const mariadb = await startMariadb({ folder: join(folder, 'mariadb'), progress, onStop })
      settings.DATABASE_URL = mariadb.url
      settings.DEMO_DATA ??= 'true'
      progress(`MariaDB runs on port ${mariadb.port}`)
    }
    if (needs.s3) {
      const s3 = await startS3({ folder: join(folder, 's3'), bucket: 'birdhouse' })
      onStop(s3.stop)
      Object.assign(settings, s3.settings)
      progress(`S3 runs at ${s3.settings.S3_ENDPOINT}`)
    }
    return settings
  } catch (error) {
    throw adviseFolder(error, folder)
  }
}

const standIns = (needs: { database: boolean; s3: boolean; secret: boolean }): Env => ({
  ...(needs.database && { DATABASE_URL: 'mysql://user@host/name' }),
  ...(needs.s3 && { S3_REGION: 'region', S3_BUCKET: 'bucket' }),
  ...(needs.secret && { JWT_SECRETS: 'abcdefghijklmnopqrstuvwxyz012345' }),
})
