import type { Command } from '@commander-js/extra-typings'
import { JSON_OPTION, print, type Session } from './session.ts'

const NONE = 'The database is up to date.'

export function addDb(program: Command, session: Session) {
  const db = program.command('db').description('show and apply the migrations of the database')

  db.command('status')
    .description('list the migration steps that are pending, and count the applied ones')
    .option(...JSON_OPTION)
    .action(async (options) => {
      const { readSchema } = await import('./database.ts')
      const { steps, pending } = await readSchema(session)
      const applied = steps.length - pending.length
      const ids = pending.map(({ id }) => id)
      const counts = `${applied} migration steps are applied, ${ids.length} are pending.`
      print({ applied, pending: ids }, [...ids, counts].join('\n'), options)
    })

  db.command('migrate')
    .description('apply the migrations that are pending, which npm start does as well')
    .option('--dry-run', 'print the SQL of the pending migrations and apply none')
    .option(...JSON_OPTION)
    .action(async ({ dryRun, ...options }) => {
      const { migrateDatabase, readSchema } = await import('./database.ts')
      if (!dryRun) {
        const applied = await migrateDatabase(session)
        return print({ applied }, applied ? `${applied} migration steps applied.` : NONE, options)
      }
      const { pending } = await readSchema(session)
      const script = pending.map(({ id, statement }) => `-- ${id}\n${ended(statement)}`)
      const statements = pending.map(({ id, statement }) => ({ id, statement }))
      print({ statements }, script.join('\n') || NONE, options)
    })
}

const ended = (statement: string) => (statement.endsWith(';') ? statement : `${statement};`)
