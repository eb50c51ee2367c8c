import { Command } from '@commander-js/extra-typings'
import { addAdmin } from './admin.ts'
import { addDeveloperCommands } from './developers.ts'
import { addJobs } from './jobs.ts'
import { addDb } from './schema.ts'
import type { Session } from './session.ts'
import { addTasks } from './tasks.ts'

// The files of the commands import the app and the database inside of their actions: help and a
// wrong call need neither.

const AFTER_HELP = `
Commands use the database of DATABASE_URL, or else that of the service that runs on LOCAL_DIR, or
else start the embedded stores for as long as they run. They may be used beside running services.
Only db migrate changes the schema. npm run -s prints nothing but the output: npm run -s birdhouse --
jobs list --json | jq .items`

/** The commands of Birdhouse itself. */
export function createProgram(session: Session) {
  const program = new Command('npm run birdhouse --')
    .description('Commands for operators and developers.')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      // Help that is printed because no command was named.
      writeErr: (text) => process.stdout.write(text),
      outputError: (text) => process.stderr.write(sentence(text)),
    })
    .addHelpText('after', AFTER_HELP)
  program.commandsGroup('For operators:')
  addJobs(program, session)
  addAdmin(program, session)
  addDb(program, session)
  addTasks(program, session)
  program.commandsGroup('For developers:')
  addDeveloperCommands(program, session)
  return program
}

/** The parser's errors as one line: "Unknown command 'job' (Did you mean jobs?)". */
const sentence = (text: string) => {
  const line = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll('\n', ' ')
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}\n`
}
