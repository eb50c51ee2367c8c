import { start } from 'node:repl'
import { openApp } from './app.ts'
import type { Session } from './session.ts'

/** A prompt with the whole app in scope, as `app`, on the same settings and stores as the service. */
export async function openRepl(session: Session) {
  const { app, requireMigrated } = await openApp(session)
  await requireMigrated()
  console.error('The app is `app`, its database `app.db`. Ctrl-D or .exit closes both.')
  const prompt = start({ prompt: 'birdhouse> ' })
  Object.assign(prompt.context, { app })
  await new Promise((resolve) => prompt.once('exit', resolve))
}
