import { resolve } from 'node:path'
import { build } from '../app.ts'
import { withStandIns } from '../local/index.ts'
import { joinLocal } from '../local/join.ts'
import { readRunning } from '../local/running.ts'
import { readEnv } from '../plugins/config/index.ts'
import { judgeSettings } from '../plugins/features/optional.ts'
import { requireMigrated } from './database.ts'
import type { Session } from './session.ts'

export type OpenApp = Awaited<ReturnType<typeof openApp>>

/**
 * The app on the settings and the stores of the service, closed with the session. It applies no
 * migrations, starts no job workers and logs to standard error.
 */
export async function openApp(session: Session) {
  const given = readEnv()
  await judgeSettings(withStandIns(given))
  const env = await joinLocal(given, session.note, session.onStop)
  const app = await build({ LOG_LEVEL: 'warn', ...env }, session.note, 'command')
  session.onStop(() => app.close())
  return { app, requireMigrated: () => requireMigrated(session, env) }
}

/** True when the settings name a database, or a service runs on LOCAL_DIR. */
export function canJoin() {
  const { DATABASE_URL, LOCAL_DIR = '.local' } = readEnv()
  return Boolean(DATABASE_URL ?? readRunning(resolve(LOCAL_DIR)))
}
