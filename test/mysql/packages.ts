import { execFileSync } from 'node:child_process'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Progress } from '../../db/migrate.ts'
import { findProgram } from '../../local/mariadb-install.ts'

const HELP =
  'Install MySQL 8.0 or newer, so that mysqld is on the PATH, or run the tests on Debian for amd64 or arm64.'
/** The suite of Debian that has MySQL. */
const SUITE = 'sid'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const LOADERS: Record<string, string> = {
  x64: 'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2',
  arm64: 'usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1',
}

/** A program with its first arguments, and the folder of its support files. */
export type Mysqld = { program: string; args: string[]; base: string | undefined }

/**
 * The machine's own `mysqld`, or that of Debian's packages, which are unpacked into a folder and not
 * installed: MySQL and MariaDB cannot be installed side by side. @throws Error that says what to install
 */
export function findMysqld(progress: Progress = () => {}): Mysqld {
  const installed = findProgram('mysqld')
  // MariaDB may bring a link of this name.
  if (installed && !versionOf(installed).includes('MariaDB'))
    return { program: installed, args: [], base: undefined }
  const root = join(packagesFolder(), 'root')
  const loader = join(root, LOADERS[process.arch] ?? '')
  if (!existsSync(root)) {
    progress("MySQL is missing; unpacking Debian's packages of it")
    unpack(root)
  }
  const libraries = join(loader, '..')
  // The machine's own C library may be older than the one that these programs need.
  const args = ['--library-path', libraries, join(root, 'usr/sbin/mysqld')]
  return { program: loader, args, base: join(root, 'usr') }
}

const versionOf = (program: string) =>
  execFileSync(program, ['--no-defaults', '--version'], { encoding: 'utf8' })

/** In the temporary folder, since a user without rights runs the server; nobody else may fill it. */
function packagesFolder() {
  const uid = process.getuid?.() ?? 0
  const folder = join(tmpdir(), `birdhouse-mysql-${uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  if (statSync(folder).uid !== uid) throw new Error(`${folder} belongs to another user; delete it.`)
  return folder
}

function unpack(root: string) {
  const mirror = debianMirror()
  const fresh = mkdtempSync(`${root}-`)
  try {
    for (const name of ['lists/partial', 'cache/archives/partial', 'root'])
      mkdirSync(join(fresh, name), { recursive: true })
    const list = join(fresh, 'sources.list')
    writeFileSync(list, `deb [signed-by=${KEYRING}] ${mirror} ${SUITE} main\n`)
    const apt = (...words: string[]) => run('apt-get', ...aptOptions(fresh, list), ...words)
    apt('update')
    apt('-y', '--download-only', '--no-install-recommends', 'install', 'mysql-server-core')
    for (const file of globSync(join(fresh, 'cache/archives/*.deb')))
      run('dpkg', '-x', file, join(fresh, 'root'))
    if (!existsSync(root)) renameSync(join(fresh, 'root'), root)
  } catch (error) {
    throw new Error(`The packages of MySQL could not be fetched. ${HELP}`, { cause: error })
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

/** Lists and archives of their own; without a status file every dependency counts as missing. */
const aptOptions = (folder: string, list: string) => [
  '-qq',
  ...[
    `Dir::Etc::sourcelist=${list}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(folder, 'lists')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    'Dir::State::status=/dev/null',
    // The user _apt may not write into this folder.
    'APT::Sandbox::User=root',
    'Debug::NoLocking=1',
  ].flatMap((option) => ['-o', option]),
]

/** The mirror from which this machine takes its own packages. */
function debianMirror() {
  if (!existsSync('/etc/debian_version') || !LOADERS[process.arch])
    throw new Error(`No MySQL server (mysqld) was found. ${HELP}`)
  const sites = run('apt-get', 'indextargets', '--format', '$(SITE)').split('\n')
  const mirror = sites.find((site) => /\/debian\/?$/.test(site))
  if (mirror) return mirror
  throw new Error(`No MySQL server (mysqld) was found, and no mirror of Debian either. ${HELP}`)
}

const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
