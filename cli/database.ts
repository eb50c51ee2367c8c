import { migrate, readMigrations } from '../db/migrate.ts'
import { openDb } from '../db/open.ts'
import { standIns } from '../local/index.ts'
import { joinLocal } from '../local/join.ts'
import { type Env, parseConfig, readEnv } from '../plugins/config/index.ts'
import { historiesOf } from '../plugins/features/discover.ts'
import { withoutBroken } from '../plugins/features/optional.ts'
import { MIGRATE_FIRST } from './advice.ts'
import type { Session } from './session.ts'

// The database without an app. It needs no setting but the database's, so that these commands work
// where no app would start.

/** One connection, closed with the session. */
export async function openDatabase(session: Session) {
  const { db, close } = await openDb(optionsOf(await joinDatabase(session)))
  session.onStop(close)
  return db
}

/** Applies the migrations; returns how many steps were pending. */
export async function migrateDatabase(session: Session) {
  const env = await joinDatabase(session)
  return withHistories(env, session, (histories) =>
    migrate(optionsOf(env), session.note, histories),
  )
}

/** The migration steps, and those of them that are not applied. */
export async function readSchema(session: Session, env?: Env) {
  const settings = env ?? (await joinDatabase(session))
  return withHistories(settings, session, (histories) =>
    readMigrations(optionsOf(settings), histories),
  )
}

/** @throws Error when the service has not applied all migrations */
export async function requireMigrated(session: Session, env: Env) {
  const { length } = (await readSchema(session, env)).pending
  if (length > 0) throw new Error(`${length} migration steps are not applied. ${MIGRATE_FIRST}`)
}

const joinDatabase = async ({ note, onStop }: Session) => {
  const env = readEnv()
  return env.DATABASE_URL ? env : joinLocal(env, note, onStop)
}

/** The driver's options, from the settings of the database alone. */
function optionsOf({ DATABASE_URL, DATABASE_TLS, DATABASE_CA }: Env) {
  const others = standIns({ database: false, s3: true, secret: true, factorKey: true })
  return parseConfig({ ...others, DATABASE_URL, DATABASE_TLS, DATABASE_CA }).database
}

/** Goes without a broken extension of EXTENSIONS_OPTIONAL, just as the service does. */
async function withHistories<T>(
  env: Env,
  { note }: Session,
  work: (histories: ReturnType<typeof historiesOf>) => Promise<T>,
) {
  const { result } = await withoutBroken(env, async (features) => ({
    result: await work(historiesOf(features)),
    log: { error: note },
  }))
  return result
}
