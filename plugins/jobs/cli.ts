import '../../local/node-version.ts'
import { openDb } from '../../db/open.ts'
import { adviseDatabase, adviseStart } from '../../local/advice.ts'
import { standIns } from '../../local/index.ts'
import { joinLocal } from '../../local/join.ts'
import { parseConfig, readEnv } from '../config/index.ts'
import { mysqlError } from '../db/errors.ts'
import { createJobAdmin, type JobAdmin } from './admin.ts'
import { type Command, HELP, readArguments, UsageError } from './cli-arguments.ts'
import { details, listing, printable } from './cli-output.ts'

// `npm run jobs`. Needs no setting but the database's, so that it works where no app would start.

type Action = Exclude<Command, { name: 'help' }>
type Answer = { data: unknown; text: string; problems?: string[] }

const NO_SUCH_TABLE = 1146

const stops: (() => Promise<unknown>)[] = []

async function connect() {
  const env = readEnv()
  const { DATABASE_URL, DATABASE_TLS, DATABASE_CA } = env.DATABASE_URL
    ? env
    : await joinLocal(
        env,
        (line) => console.error(`- ${line}`),
        (stop) => stops.push(stop),
      )
  const others = standIns({ database: false, s3: true, secret: true })
  const config = parseConfig({ ...others, DATABASE_URL, DATABASE_TLS, DATABASE_CA })
  const { db, close } = await openDb(config.database)
  stops.push(close)
  return createJobAdmin(db)
}

async function answer(admin: JobAdmin, command: Action): Promise<Answer> {
  switch (command.name) {
    case 'list': {
      const page = await admin.list(command.filter, command.limit)
      return { data: page, text: listing(command.filter, page) }
    }
    case 'show': {
      const job = await admin.find(command.id)
      if (!job) throw new Error(missing(command.id))
      return { data: job, text: details(job) }
    }
    case 'retry':
      return retry(admin, command.ids)
    case 'retryAll':
      return retried(await admin.reviveAll(command.job))
  }
}

async function retry(admin: JobAdmin, ids: number[]) {
  const refused: number[] = []
  const problems: string[] = []
  for (const id of ids) {
    if ((await admin.revive([id])) === 1) continue
    const job = await admin.find(id)
    refused.push(id)
    problems.push(job ? `Job ${id} is ${job.state}, not dead; it was left alone.` : missing(id))
  }
  return { ...retried(ids.length - refused.length, refused), problems }
}

const retried = (count: number, refused: number[] = []) => ({
  data: { retried: count, refused },
  text: count === 1 ? '1 dead job is due again.' : `${count} dead jobs are due again.`,
})

const missing = (id: number) => `There is no job ${id}; one that is done is deleted.`

function advise(error: unknown) {
  const { errno, sqlMessage } = mysqlError(error) ?? {}
  if (errno === NO_SUCH_TABLE) {
    return 'The database has no jobs table yet. The service makes it when it starts; try again then.'
  }
  const advised = adviseDatabase(error)
  const known = advised !== error || !sqlMessage
  return known ? adviseStart(advised as Error) : `The database refuses: ${sqlMessage}`
}

async function main() {
  const command = readArguments(process.argv.slice(2))
  if (command.name === 'help') return console.log(HELP)
  const result = await answer(await connect(), command)
  console.log(command.json ? JSON.stringify(result.data, null, 2) : result.text)
  for (const problem of result.problems ?? []) report(problem)
}

function report(problem: string, code = 1) {
  console.error(printable(problem))
  process.exitCode = code
}

// So the database that was started here ends with the process; a signal alone would leave it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(1))
// Whoever reads the output may have seen enough.
process.stdout.on('error', () => process.exit())

try {
  await main()
} catch (error) {
  if (error instanceof UsageError) report(error.message, 2)
  else report(advise(error))
} finally {
  for (const stop of stops.reverse()) await stop().catch((error) => report(String(error)))
}
