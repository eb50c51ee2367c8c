import { type StdioOptions, spawnSync } from 'node:child_process'
import { join, relative } from 'node:path'

const DRIZZLE_KIT = join(import.meta.dirname, '../node_modules/.bin/drizzle-kit')

/**
 * Writes the migration for changed tables: the kernel's, or when the first argument is a folder,
 * that extension's. The other arguments are options of `drizzle-kit generate`.
 */
export function generateMigration(args: string[], stdio: StdioOptions) {
  const [folder, ...rest] = args
  const ofExtension = folder !== undefined && !folder.startsWith('-')
  const options = ofExtension
    ? [
        '--dialect=mysql',
        '--casing=snake_case',
        // It takes an absolute path for one below the working directory.
        `--schema=${relative('', join(folder, 'tables.ts'))}`,
        `--out=${relative('', join(folder, 'migrations'))}`,
        ...rest,
      ]
    : args
  return spawnSync(DRIZZLE_KIT, ['generate', ...options], { stdio, encoding: 'utf8' })
}
