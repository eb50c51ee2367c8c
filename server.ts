import closeWithGrace from 'close-with-grace'
import { build } from './app.ts'
import { loadDemoData } from './db/demo/index.ts'
import { migrate } from './db/migrate.ts'
import { startLocal } from './local/index.ts'
import { parseConfig, readEnv } from './plugins/config.ts'
import { serializeError } from './plugins/errors.ts'

/** Milliseconds in which everything must be closed; PM2 and orchestrators kill after 30 s. */
const CLOSE_TIMEOUT = 25_000

const stops: (() => Promise<unknown>)[] = []

closeWithGrace({ delay: CLOSE_TIMEOUT, logger: false }, async ({ err }) => {
  if (err) console.error(serializeError(err))
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function start() {
  const progress = (line: string) => console.log(`- ${line}`)
  const settings = await startLocal(readEnv(), progress, (stop) => stops.push(stop))
  const config = parseConfig(settings)
  await migrate(config.databaseUrl, progress)
  const app = await build(config)
  stops.push(() => app.close())
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

function advise(error: NodeJS.ErrnoException & { port?: number }) {
  if (error.code === 'EADDRINUSE') {
    return `Port ${error.port} is taken. Stop what uses it, or choose another: PORT=${(error.port ?? 3000) + 1}`
  }
  if (error.code === 'EACCES' && error.port)
    return `Port ${error.port} needs root; choose one above 1023: PORT=3000`
  return error.message
}

try {
  await start()
} catch (error) {
  console.error(`\n${advise(error as Error)}`)
  for (const stop of stops.splice(0).reverse()) await stop()
  process.exit(1)
}
