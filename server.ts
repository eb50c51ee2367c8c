import './local/node-version.ts'
import './tracing.ts'
import closeWithGrace from 'close-with-grace'
import { build } from './app.ts'
import { loadDemoData } from './demo/index.ts'
import { adviseDatabase, adviseStart } from './local/advice.ts'
import { startLocal, withStandIns } from './local/index.ts'
import { readEnv } from './plugins/config/index.ts'
import { serializeError } from './plugins/errors/log.ts'
import { judgeSettings } from './plugins/features/optional.ts'
import { tracing } from './tracing.ts'

/** Milliseconds in which everything must close; PM2 and orchestrators kill after 30 s. */
const CLOSE_TIMEOUT = 25_000
/** Milliseconds. npm and `node --watch` forward a Ctrl-C that the terminal also sends to this process. */
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
// The listeners stay: a signal without a listener kills the process at once.
for (const signal of SIGNALS) process.on(signal, onSignal)
let signalled: number | undefined

/** The first signal closes gracefully; a later one exits at once. */
function onSignal() {
  signalled ??= performance.now()
  if (!closing) grace.close()
  else if (performance.now() - signalled > SAME_SIGNAL) process.exit(1)
}

/** Undoes the steps of the start in reverse order; continues when a step fails to stop. */
async function stopAll() {
  for (const stop of stops.splice(0).reverse()) {
    await stop().catch((error) => console.error(serializeError(error)))
  }
}

async function start() {
  if (tracing) stops.push(tracing.stop)
  const progress = (line: string) => console.log(`- ${line}`)
  const env = readEnv()
  await judgeSettings(withStandIns(env))
  const settings = await startLocal(env, progress, (stop) => stops.push(stop))
  const app = await build(settings, progress, 'service', tracing?.ids).catch((error) => {
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
  return `\n${[...lines, 'Press Ctrl-C to stop.'].join('\n')}\n`
}

try {
  await start()
} catch (error) {
  // A Ctrl-C during the start makes the start fail; that error is expected and not reported.
  if (!closing) {
    closing = true
    console.error(`\n${adviseStart(error as Error)}`)
    await stopAll()
    process.exit(1)
  }
}
