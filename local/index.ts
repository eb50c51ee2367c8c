import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Progress } from '../db/migrate.ts'
import { type Env, parseConfig } from '../plugins/config/index.ts'
import { adviseFolder } from './advice.ts'
import { keptSecret, newSecret } from './kept-secret.ts'
import type { Needs, OnStop } from './needs.ts'
import { announceRunning, forgetRunning, type Stores } from './running.ts'
import { startOrFind } from './stores.ts'

/** Bytes. MariaDB and SQLite take paths of at most 512; the names of their files need the rest. */
const PATH_MAX = 400

/**
 * Starts what the settings lack outside production: a MariaDB, an S3 store, a JWT secret, all kept in
 * LOCAL_DIR. Returns the settings that lead to them; `onStop` gets a function that stops each store,
 * as soon as the store runs. Command-line tools call `joinLocal` instead.
 * @throws Error with a sentence that says what to change.
 */
export async function startLocal(env: Env, progress: Progress, onStop: OnStop): Promise<Env> {
  const needs = localNeeds(env)
  if (!needs) return env
  return inLocalFolder(env, async (folder) => {
    if (!needs.database && !needs.s3) return withStores(env, needs, folder, {})
    const { own } = await startOrFind(needs, folder, progress, onStop)
    if (!own) throw inUse(folder)
    announceRunning(folder, own)
    onStop(async () => forgetRunning(folder))
    const settings = withStores(env, needs, folder, own)
    return needs.database ? { DEMO_DATA: 'true', ...settings } : settings
  })
}

/**
 * The stores that must be embedded, if any.
 * @throws Error that names wrong settings, before anything is installed or started.
 */
export function localNeeds(env: Env): Needs | undefined {
  const needs = needsOf(env)
  if (needs) parseConfig({ ...env, ...standIns(needs) })
  if (needs?.database && (env.DATABASE_CA || (env.DATABASE_TLS ?? 'off') !== 'off'))
    throw embeddedTls()
  return needs
}

function needsOf(env: Env) {
  const needs = {
    database: !env.DATABASE_URL,
    s3: !env.S3_BUCKET && !env.S3_ENDPOINT,
    secret: !env.JWT_SECRETS,
    factorKey: !env.SECOND_FACTOR_KEYS,
  }
  const some = env.NODE_ENV !== 'production' && Object.values(needs).some(Boolean)
  return some ? needs : undefined
}

/** The settings with valid values for the stores to be embedded, to check the settings before that. */
export function withStandIns(env: Env): Env {
  const needs = needsOf(env)
  return needs ? { ...env, ...standIns(needs) } : env
}

const ANY_CREDENTIALS = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' }

/** Valid values for settings of the stores to be embedded. */
export const standIns = (needs: Needs): Env => ({
  ...(needs.database && { DATABASE_URL: 'mysql://user@host/name' }),
  ...(needs.s3 && { S3_REGION: 'region', S3_BUCKET: 'bucket', ...ANY_CREDENTIALS }),
  ...(needs.secret && { JWT_SECRETS: newSecret() }),
  ...(needs.factorKey && { SECOND_FACTOR_KEYS: newSecret() }),
})

/** Does `work` in LOCAL_DIR. @throws Error that says what to change if the folder or its disk fails. */
export async function inLocalFolder<T>(env: Env, work: (folder: string) => Promise<T>) {
  const folder = resolve(env.LOCAL_DIR ?? '.local')
  if (Buffer.byteLength(folder) > PATH_MAX) {
    throw new Error('The path of LOCAL_DIR is too long. Set LOCAL_DIR to a shorter path.')
  }
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return await work(folder)
  } catch (error) {
    throw adviseFolder(error, folder)
  }
}

/** The settings with those of the embedded stores; given settings are kept. */
export const withStores = (env: Env, needs: Needs, folder: string, stores: Stores): Env => ({
  ...env,
  ...(needs.secret && { JWT_SECRETS: keptSecret(join(folder, 'jwt-secret')) }),
  ...(needs.factorKey && { SECOND_FACTOR_KEYS: keptSecret(join(folder, 'second-factor-key')) }),
  ...(needs.database && stores.database),
  ...(needs.s3 && stores.s3),
})

const embeddedTls = () =>
  new Error(
    'DATABASE_TLS and DATABASE_CA are for the database of DATABASE_URL; the embedded database has no TLS. Set DATABASE_URL as well, or remove DATABASE_TLS and DATABASE_CA.',
  )

const inUse = (folder: string) =>
  new Error(
    `Another instance is using ${folder}. Stop the other instance, or give this one its own folder and port: LOCAL_DIR=.local2 PORT=3001`,
  )
