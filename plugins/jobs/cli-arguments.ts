import { parseArgs } from 'node:util'
import { type Filter, STATES } from './admin.ts'

export const HELP = `Background jobs, and those that were given up after too many attempts ("dead").

  npm run jobs -- list                         the dead, latest first
  npm run jobs -- list --state all             or waiting, running, dead
  npm run jobs -- list --name tweets.clearUp --limit 200
  npm run jobs -- show 42                      everything about one: payload, error, progress
  npm run jobs -- retry 42 43                  these dead jobs are due again, from attempt 1
  npm run jobs -- retry --name tweets.clearUp  all dead ones of a name
  npm run jobs -- retry --all                  all dead ones

--json prints JSON: npm run -s jobs -- list --json | jq .items
It works on the database of DATABASE_URL, or else of the service that runs on LOCAL_DIR, and may be
used beside running services. It ends with 0, with 1 when a job is not there or not dead or the
database can't be reached, with 2 when it was called in a wrong way.`

export type Command =
  | { name: 'help' }
  | { name: 'list'; filter: Filter; limit: number; json: boolean }
  | { name: 'show'; id: number; json: boolean }
  | { name: 'retry'; ids: number[]; json: boolean }
  | { name: 'retryAll'; job: string | undefined; json: boolean }

export class UsageError extends Error {
  override name = 'UsageError'
}

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean', default: false },
  state: { type: 'string' },
  name: { type: 'string' },
  limit: { type: 'string' },
  all: { type: 'boolean' },
} as const

/** The options of each command beside --json. */
const COMMANDS: Record<string, string[]> = {
  list: ['state', 'name', 'limit'],
  show: [],
  retry: ['name', 'all'],
}

/** @throws UsageError with a sentence that says what to change. */
export function readArguments(args: string[]): Command {
  const { values, positionals } = parse(args)
  const [command, ...rest] = positionals
  if (values.help || (!command && Object.keys(values).length === 1)) return { name: 'help' }
  const allowed = COMMANDS[command ?? '']
  if (!command || !allowed) {
    throw new UsageError(`Say what to do first: ${Object.keys(COMMANDS).join(', ')}, or --help.`)
  }
  const stray = Object.keys(values).find((key) => key !== 'json' && !allowed.includes(key))
  if (stray) throw new UsageError(`Leave out --${stray}: ${command} does not take it.`)
  const { json, name, all } = values
  if (command === 'list') {
    if (rest.length > 0) throw new UsageError(`Leave out ${rest[0]}: list takes options alone.`)
    return {
      name: 'list',
      filter: { state: toState(values.state), name },
      limit: toLimit(values.limit),
      json,
    }
  }
  const ids = [...new Set(rest.map(toId))]
  if (command === 'show') {
    const [id, more] = ids
    if (!id || more) throw new UsageError('Give show the id of one job, for example: show 42.')
    return { name: 'show', id, json }
  }
  if ([ids.length > 0, name !== undefined, all].filter(Boolean).length !== 1) {
    throw new UsageError('Give retry one of these: ids of jobs, --name with a name, or --all.')
  }
  return ids.length > 0 ? { name: 'retry', ids, json } : { name: 'retryAll', job: name, json }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    // Node adds advice on positional arguments, which is beside the point here.
    const [sentence] = (error as Error).message.split(/\.\s|\n/)
    throw new UsageError(`${sentence}; --help lists the options.`)
  }
}

function toState(value = 'dead') {
  if (value === 'all') return undefined
  const state = STATES.find((state) => state === value)
  if (!state) throw new UsageError(`Set --state to ${STATES.join(', ')} or all.`)
  return state
}

const LIMIT_MAX = 10_000

function toLimit(value = '50') {
  const limit = toNumber(value)
  if (limit && limit <= LIMIT_MAX) return limit
  throw new UsageError(`Set --limit to a whole number from 1 to ${LIMIT_MAX}.`)
}

function toId(value: string) {
  const id = toNumber(value)
  if (!id) throw new UsageError(`Give the number that list shows as an id instead of ${value}.`)
  return id
}

const toNumber = (value: string) => {
  const number = /^[1-9]\d*$/.test(value) ? Number(value) : undefined
  return Number.isSafeInteger(number) ? number : undefined
}
