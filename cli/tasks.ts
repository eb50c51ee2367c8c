import type { Command, CommandUnknownOpts } from '@commander-js/extra-typings'
import { SingleBar } from 'cli-progress'
import type { Task } from '../plugins/tasks/index.ts'
import type { OpenApp } from './app.ts'
import { JSON_OPTION, print, type Session } from './session.ts'

/** Characters of the first column of the list. */
const LABEL = 28
/** Milliseconds between lines of progress where the output is no terminal. */
const LINE_EVERY = 2_000

export function addTasks(program: Command, session: Session) {
  return program
    .command('tasks')
    .usage('[options] [name] [argument]')
    .argument('[name]')
    .description('list the commands that features add; with a name, run that one')
    .option(...JSON_OPTION)
    .action(async (name, options) => {
      if (name !== undefined) throw unknownCommand(program, name)
      const { openApp } = await import('./app.ts')
      const { app } = await openApp(session)
      const items = app.tasks
        .all()
        .map(([name, { argument, summary }]) => ({ name, argument: argument ?? null, summary }))
      const lines = items.map(({ name, argument, summary }) => {
        const call = argument ? `${name} [${argument}]` : name
        return `${call.padEnd(LABEL)} ${summary}`
      })
      print({ items }, lines.join('\n') || 'No feature has added a command.', options)
    })
}

const unknownCommand = (program: Command, name: string) =>
  program.error(
    `There is no command ${name}; npm run birdhouse -- tasks lists the commands of features.`,
  )

/** Adds the tasks of features, which the app alone knows, when the arguments name one or ask for help. */
export async function addFeatureCommands(program: Command, args: string[], session: Session) {
  const [first, second] = args.filter((arg) => !arg.startsWith('-'))
  const isHelp = args.length === 0 || args.includes('--help') || args.includes('-h')
  if (first === undefined) return isHelp ? addToHelp(program, session) : undefined
  const isNested = first === 'tasks'
  const parent = isNested ? program.commands.find((one) => one.name() === first) : program
  const name = isNested ? second : first
  if (!name?.includes(':') || program.commands.some((one) => one.name() === name)) return
  const { openApp } = await import('./app.ts')
  const opened = await openApp(session)
  if (!opened.app.tasks.get(name)) {
    throw unknownCommand(program, name)
  }
  addCommands(parent ?? program, opened, session)
}

/** Help starts no store: it asks the app where a database is given, or where a service runs. */
async function addToHelp(program: Command, session: Session) {
  const { canJoin, openApp } = await import('./app.ts')
  try {
    if (canJoin()) return addCommands(program, await openApp(session), session)
    program.addHelpText('after', '\nFeatures add commands: npm run birdhouse -- tasks lists them.')
  } catch (error) {
    const { advise } = await import('./advice.ts')
    program.addHelpText('after', `\nThe commands of features cannot be listed. ${advise(error)}`)
  }
}

function addCommands(
  parent: CommandUnknownOpts,
  { app, requireMigrated }: OpenApp,
  session: Session,
) {
  parent.commandsGroup('From features:')
  for (const [name, task] of app.tasks.all()) {
    const command = parent
      .command(name)
      .description(task.summary)
      .option(...JSON_OPTION)
    if (task.argument) command.argument(`[${task.argument}]`)
    command.action(async () => {
      await requireMigrated()
      const message = await runTask(task, session, command.args[0])
      print({ task: name, message }, message, command.opts())
    })
  }
}

async function runTask(task: Task, session: Session, argument?: string) {
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {value}/{total} | {eta_formatted} left',
    noTTYOutput: true,
    notTTYSchedule: LINE_EVERY,
    gracefulExit: false,
  })
  let shown = false
  const progress = (done: number, total: number) => {
    if (!shown) bar.start(total, done)
    shown = true
    bar.setTotal(total)
    bar.update(done)
  }
  try {
    return await session.interruptible((signal) => task.run({ progress, signal, argument }))
  } finally {
    bar.stop()
  }
}
