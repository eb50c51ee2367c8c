import './local/node-version.ts'
import closeWithGrace from 'close-with-grace'
import { build } from './app.ts'
import { loadDemoData } from './demo/index.ts'
import { adviseDatabase, adviseStart } from './local/advice.ts'
import { startLocal, withStandIns } from './local/index.ts'
import { readEnv } from './plugins/config/index.ts'
import { serializeError } from './plugins/errors.ts'
import { judgeSettings } from './plugins/features/optional.ts'

/** Milliseconds in which everything must be closed; PM2 and orchestrators kill after 30 s. */
const CLOSE_TIMEOUT = 25_000
/** Milliseconds. npm and `node --watch` pass a Ctrl-C on that the terminal has sent here as well. */
const SAME_SIGNAL = 1_000

const stops: (() => Promise<unknown>)[] = []
let closing = false

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const grace = closeWithGrace(
  { delay: CLOSE_TIMEOUT, logger: false, skip: [...SIGNALS] },
  async ({ err }) => {
    closing = true
    if (err) console.error(serializeError(err))
    await stopAll()
  },
)
// Never removed: a signal that meets no listener kills on the spot.
for (const signal of SIGNALS) process.on(signal, onSignal)
let signalled: number | undefined

/** The first signal closes with grace; a later one means that somebody is out of patience. */
function onSignal() {
  signalled ??= performance.now()
  if (!closing) grace.close()
  else if (performance.now() - signalled > SAME_SIGNAL) process.exit(1)
}

/** Undoes the start, last step first; what fails to stop keeps nothing else from stopping. */
async function stopAll() {
  for (const stop of stops.splice(0).reverse()) {
    await stop().catch((error) => console.error(serializeError(error)))
  }
}

async function start() {
  const progress = (line: string) => console.log(`- ${line}`)
  const env = readEnv()
  await judgeSettings(withStandIns(env))
  const settings = await startLocal(env, progress, (stop) => stops.push(stop))
  const app = await build(settings, progress).catch((error) => {
    throw adviseDatabase(error)
  })
  stops.push(() => app.close())
  const { config } = app
  const login = config.demoData ? await loadDemoData(app, progress) : undefined
  const address = await app.listen({ host: config.host, port: config.port })
  stops.push(() => app.drain.begin())
  process.send?.('ready')
  if (!config.production) console.log(welcome(address, login))
}

function welcome(address: string, login: { email: string; password: string } | undefined) {
  const lines = [`Birdhouse is at ${address}, its documentation at ${address}/docs`]
  if (login) {
    lines.push(`Log in as ${login.email} with the password ${login.password}, for example:`)
    const body = JSON.stringify(login)
    lines.push(`  curl ${address}/v1/auth/login -H 'content-type: application/json' -d '${body}'`)
  }
  return `\n${[...lines, 'Ctrl-C stops it.'].join('\n')}\n`
}

try {
  await start()
} catch (error) {
  // What a Ctrl-C stops under a start that isn't through fails it; that is no news.
  if (!closing) {
    closing = true
    console.error(`\n${adviseStart(error as Error)}`)
    await stopAll()
    process.exit(1)
  }
}
