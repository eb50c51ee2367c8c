import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Progress } from '../db/migrate.ts'
import type { Env } from '../plugins/config.ts'
import { lockFolder } from './lock.ts'
import { startMariadb } from './mariadb.ts'
import { startS3 } from './s3.ts'

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

  const folder = resolve(env.LOCAL_DIR ?? '.local')
  try {
    onStop(await lockFolder(folder))
    const settings = { ...env }
    if (needs.secret) settings.JWT_SECRETS = keptSecret(folder)
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
    throw advise(error as NodeJS.ErrnoException, folder)
  }
}

function keptSecret(folder: string) {
  const file = join(folder, 'jwt-secret')
  if (!existsSync(file)) writeFileSync(file, randomBytes(48).toString('base64url'), { mode: 0o600 })
  return readFileSync(file, 'utf8').trim()
}

function advise(error: NodeJS.ErrnoException, folder: string) {
  const sentences: Record<string, string> = {
    ENOSPC: `The disk that holds ${folder} is full. Free some space, or set LOCAL_DIR to a folder elsewhere.`,
    EROFS: `The disk that holds ${folder} is read-only. Set LOCAL_DIR to a folder that can be written.`,
    EACCES: `${folder} cannot be written by this user. Set LOCAL_DIR to a folder that can be.`,
    EPERM: `${folder} cannot be written by this user. Set LOCAL_DIR to a folder that can be.`,
  }
  const sentence = sentences[error.code ?? '']
  return sentence ? new Error(sentence, { cause: error }) : error
}
