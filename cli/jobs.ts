import { Argument, type Command, Option } from '@commander-js/extra-typings'
import type { JobAdmin } from '../plugins/jobs/admin.ts'
import { details, listing } from './jobs-output.ts'
import { JSON_OPTION, print, type Session } from './session.ts'
import { wholeNumber } from './whole-number.ts'

const LIMIT_MAX = 10_000
const STATES = ['dead', 'waiting', 'running', 'all'] as const

/** Needs no setting but the database's, so that it works where no app would start. */
export function addJobs(program: Command, session: Session) {
  const jobs = program
    .command('jobs')
    .helpCommand(false)
    .description('list, show and retry background jobs; a dead job has failed all its attempts')

  jobs
    .command('list')
    .description('list dead jobs, newest first; jobs in other states are listed oldest first')
    .addOption(new Option('--state <state>', 'jobs in this state').choices(STATES).default('dead'))
    .option('--name <name>', 'jobs of this name alone, such as tweets.clearUp')
    .option('--limit <number>', `jobs to list, at most ${LIMIT_MAX}`, wholeNumber(LIMIT_MAX), 50)
    .option(...JSON_OPTION)
    .action(async ({ state, name, limit, ...options }) => {
      const filter = { state: state === 'all' ? undefined : state, name }
      const page = await (await openJobs(session)).list(filter, limit)
      print(page, listing(filter, page), options)
    })

  jobs
    .command('show')
    .description('everything about one job: payload, error, progress')
    .addArgument(new Argument('<id>', 'the number that list shows').argParser(wholeNumber()))
    .option(...JSON_OPTION)
    .action(async (id, options) => {
      const job = await (await openJobs(session)).find(id)
      if (!job) throw new Error(missing(id))
      print(job, details(job), options)
    })

  const retry = jobs
    .command('retry')
    .description('make dead jobs due again, from their first attempt')
    .addArgument(new Argument('[ids...]', 'jobs by their numbers').argParser(wholeNumbers))
    .option('--name <name>', 'all dead jobs of this name')
    .option('--all', 'all dead jobs')
    .option(...JSON_OPTION)
    .action(async (ids = [], { name, all, ...options }) => {
      if ([ids.length > 0, name !== undefined, all].filter(Boolean).length !== 1) {
        retry.error('Give retry one of these: ids of jobs, --name with a name, or --all.')
      }
      const admin = await openJobs(session)
      const refused = ids.length > 0 ? await retryEach(admin, ids, session) : []
      const retried = ids.length > 0 ? ids.length - refused.length : await admin.reviveAll(name)
      const text =
        retried === 1 ? '1 dead job is due again.' : `${retried} dead jobs are due again.`
      print({ retried, refused }, text, options)
    })
}

async function openJobs(session: Session) {
  const { openDatabase } = await import('./database.ts')
  const { createJobAdmin } = await import('../plugins/jobs/admin.ts')
  return createJobAdmin(await openDatabase(session))
}

/** Returns the ids of those that are not dead, and reports each. */
async function retryEach(admin: JobAdmin, ids: number[], session: Session) {
  const refused: number[] = []
  for (const id of ids) {
    if ((await admin.revive([id])) === 1) continue
    const job = await admin.find(id)
    refused.push(id)
    session.report(job ? `Job ${id} is ${job.state}, not dead; it was left alone.` : missing(id))
  }
  return refused
}

const missing = (id: number) => `There is no job ${id}; completed jobs are deleted.`

const wholeNumbers = (value: string, previous: number[] = []) => [
  ...new Set([...previous, wholeNumber()(value)]),
]
