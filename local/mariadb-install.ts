import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Progress } from '../db/migrate.ts'
import { readEnv } from '../plugins/config/index.ts'

// mariadb-install-db calls my_print_defaults, which is in Debian's client package.
const PACKAGES = ['mariadb-server-core', 'mariadb-client-core']
const PROGRAMS = ['mariadbd', 'mariadb-install-db', 'my_print_defaults']
/** On Debian, servers are in folders outside an ordinary user's PATH. */
const FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin', '/usr/local/bin']

const HELP = `No MariaDB server (mariadbd) was found. Install one:
  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install -y ${PACKAGES.join(' ')}
  macOS:           brew install mariadb
or use another MySQL or MariaDB server, for example with Docker:
  docker run -d -p 3306:3306 -e MARIADB_ROOT_PASSWORD=secret -e MARIADB_DATABASE=birdhouse mariadb:11
  DATABASE_URL=mysql://root:secret@127.0.0.1:3306/birdhouse npm start`

export function findProgram(name: string) {
  const folders = [...(readEnv().PATH ?? '').split(delimiter), ...FOLDERS]
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** The path of `mariadbd`; installs it as root on Debian. @throws Error that says what to run. */
export function ensureMariadb(progress: Progress) {
  const found = findMariadb()
  if (found) return found
  if (!canInstall()) throw new Error(HELP)
  progress(`MariaDB is missing; installing ${PACKAGES.join(' and ')} with apt-get`)
  try {
    const apt = (...words: string[]) =>
      execFileSync('env', ['DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...words], {
        stdio: 'pipe',
      })
    apt('update')
    apt('install', '-y', '--no-install-recommends', ...PACKAGES)
  } catch (error) {
    throw new Error(`apt-get could not install ${PACKAGES.join(' and ')}.\n${HELP}`, {
      cause: error,
    })
  }
  const installed = findMariadb()
  if (!installed) throw new Error(HELP)
  return installed
}

const findMariadb = () => (PROGRAMS.every(findProgram) ? findProgram('mariadbd') : undefined)

function canInstall() {
  const debian = existsSync('/etc/debian_version') && findProgram('apt-get') !== undefined
  return debian && process.getuid?.() === 0
}
