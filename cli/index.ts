import '../local/node-version.ts'
import { CommanderError } from '@commander-js/extra-typings'
import { createProgram } from './program.ts'
import { createSession } from './session.ts'
import { addFeatureCommands } from './tasks.ts'

// `npm run birdhouse -- <command>`. Exit codes: 0 success, 1 failure, 2 wrong usage, 130 Ctrl-C.

const session = createSession()
const program = createProgram(session)
const args = process.argv.slice(2)

await session.run(async () => {
  try {
    await addFeatureCommands(program, args, session)
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    // The parser has printed its sentence, or the help.
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = error.code.startsWith('commander.help') ? 0 : 2
  }
})
