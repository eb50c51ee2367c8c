import type { Command } from '@commander-js/extra-typings'
import { JSON_OPTION, print, type Session } from './session.ts'

const NONE = 'The database is up to date.'

export function addMigrate(program: Command, session: Session) {
  program
    .command('migrate')
    .description('apply the migrations that are pending, which npm start does as well')
    .option('--status', 'list the pending migrations and apply none')
    .option(...JSON_OPTION)
    .action(async ({ status, ...options }) => {
      const { migrateDatabase, pendingSteps } = await import('./database.ts')
      if (!status) {
        const applied = await migrateDatabase(session)
        return print({ applied }, applied ? `${applied} migration steps applied.` : NONE, options)
      }
      const pending = await pendingSteps(session)
      const text = `${pending.join('\n')}\n\n${pending.length} migration steps are pending.`
      print({ pending }, pending.length > 0 ? text : NONE, options)
    })
}
