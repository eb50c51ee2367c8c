import type { Command } from '@commander-js/extra-typings'
import type { Session } from './session.ts'

const NEW_EXTENSION_HELP = `
npm run new:extension pins                a folder, extensions/pins
npm run new:extension ../birdhouse-pins   a package of its own, to publish or npm pack;
                                          again on the same path links the package again`

const DB_GENERATE_HELP = `
npm run db:generate                      for changed tables of Birdhouse
npm run db:generate -- extensions/pins   for the tables of that extension
All arguments after the folder are passed to drizzle-kit generate, such as --name=first.`

export function addDeveloperCommands(program: Command, session: Session) {
  program
    .command('repl')
    .description('open a prompt with the whole app in scope')
    .action(async () => {
      const { openRepl } = await import('./repl.ts')
      await openRepl(session)
    })

  program
    .command('new:extension')
    .description('write an extension with a table, a route, a subscriber and a test')
    .argument('<name or path>', 'a name, for a folder in extensions/, or the path of a package')
    .addHelpText('after', NEW_EXTENSION_HELP)
    .action(async (target) => {
      const { newExtension } = await import('../scaffold/new-extension.ts')
      console.log(newExtension(target))
    })

  program
    .command('db:generate')
    .usage('[folder] [options of drizzle-kit]')
    .description('write the migration for changed tables')
    .argument('[arguments...]')
    .allowUnknownOption()
    .addHelpText('after', DB_GENERATE_HELP)
    .action(async (args) => {
      const { generateMigration } = await import('../scaffold/migration.ts')
      const { error, status } = generateMigration(args, 'inherit')
      if (error) throw error
      process.exitCode = status === 0 ? 0 : 1
    })

  program
    .command('env:example')
    .description('write .env.example, which has every setting')
    .action(async () => {
      const { writeEnvExample } = await import('./env-example.ts')
      await writeEnvExample()
    })
}
