import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram } from './mariadb-install.ts'
import { background, failure, isRunning, waitsForSpace } from './mariadb-process.ts'

/** Creates the files in a temporary folder and renames it, so that a kill leaves nothing partial. */
export async function createFiles(base: string, data: string) {
  const install = findProgram('mariadb-install-db')
  if (!install)
    throw new Error(
      'mariadb-install-db is missing although mariadbd is installed. Install the complete MariaDB server.',
    )
  for (const name of readdirSync(base)) {
    if (name === 'data' || name.startsWith('new-')) rmSync(join(base, name), { recursive: true })
  }
  const name = `new-${randomBytes(4).toString('hex')}`
  const fresh = join(base, name)
  const log = join(base, 'mariadb-install-db.log')
  const options = ['--auth-root-authentication-method=normal', '--skip-test-db']
  // This shell script does not quote the paths it passes on, so they must not contain our folder.
  const args = [...everyServer(base, `./${name}`), ...options]
  const child = background(install, args, log, 'SIGKILL', base)
  try {
    while (isRunning(child)) {
      if (waitsForSpace(log)) child.end()
      await sleep(20)
    }
    if (child.exitCode !== 0) throw failure('MariaDB could not create its files.', log)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    throw error
  }
  renameSync(fresh, data)
}

/** Options of every server on these files; `--no-defaults` must come first. */
export const everyServer = (base: string, data: string) => [
  '--no-defaults',
  `--datadir=${data}`,
  ownTmpdir(base),
  ...asRoot(),
]

/**
 * In a shared /tmp a starting server deletes the temporary tables of running servers. The path is
 * relative to the data folder, because MariaDB reads a colon as the end of a path.
 */
function ownTmpdir(base: string) {
  mkdirSync(join(base, 'tmp'), { recursive: true })
  return '--tmpdir=../tmp'
}

const asRoot = () => (process.getuid?.() === 0 ? ['--user=root'] : [])
