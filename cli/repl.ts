import { start } from 'node:repl'
import { build } from '../app.ts'
import { joinLocal } from '../local/join.ts'
import { readEnv } from '../plugins/config/index.ts'

// A prompt with the whole app in scope, as `app`, on the same settings and stores as the service.

const stops: (() => Promise<unknown>)[] = []

async function open() {
  const note = (line: string) => console.error(`- ${line}`)
  const settings = await joinLocal(readEnv(), note, (stop) => stops.push(stop))
  const app = await build({ LOG_LEVEL: 'warn', ...settings }, note)
  stops.push(() => app.close())
  console.error('The app is `app`, its database `app.db`. Ctrl-D or .exit closes both.')
  const prompt = start({ prompt: 'birdhouse> ' })
  Object.assign(prompt.context, { app })
  await new Promise((resolve) => prompt.once('exit', resolve))
}

/** Stops what was started, last step first. */
async function close() {
  for (const stop of stops.splice(0).reverse()) await stop()
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => close().finally(() => process.exit(130)))
}
try {
  await open()
} catch (error) {
  process.exitCode = 1
  console.error((error as Error).message)
}
await close()
