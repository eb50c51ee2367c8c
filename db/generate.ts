import '../local/node-version.ts'
import { spawnSync } from 'node:child_process'
import { join, relative } from 'node:path'

// Writes the migration for changed tables of the kernel, or of the extension in the given folder.
//   npm run db:generate
//   npm run db:generate -- extensions/pins

const [folder, ...rest] = process.argv.slice(2)
const ofExtension = folder !== undefined && !folder.startsWith('-')
const options = ofExtension
  ? [
      '--dialect=mysql',
      '--casing=snake_case',
      // drizzle-kit resolves even an absolute path against the working directory.
      `--schema=${relative('', join(folder, 'tables.ts'))}`,
      `--out=${relative('', join(folder, 'migrations'))}`,
      ...rest,
    ]
  : process.argv.slice(2)
const { status } = spawnSync('drizzle-kit', ['generate', ...options], { stdio: 'inherit' })
process.exitCode = status ?? 1
