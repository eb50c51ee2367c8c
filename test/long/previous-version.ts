import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')

const git = (...args: string[]) =>
  execFileSync('git', ['-C', ROOT, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
const lines = (text: string) => text.split('\n').filter(Boolean)

const versionAt = (revision: string): string =>
  JSON.parse(git('show', `${revision}:package.json`)).version

/**
 * The version before this one: the newest tag of another version, or, without tags, the commit that set
 * that version. Undefined where the history is missing, as in a shallow clone.
 */
export function previousVersion() {
  try {
    const tags = lines(git('tag', '--merged', 'HEAD', '--list', 'v*', '--sort=-version:refname'))
    const commits = lines(git('log', '-G^  "version":', '--format=%H', '--', 'package.json'))
    const revision = [...tags, ...commits].find((one) => versionAt(one) !== packageJson.version)
    return revision ? { revision, version: versionAt(revision) } : undefined
  } catch {
    return undefined
  }
}

/** Writes the files of a revision into a folder, with the packages of its own lock file. */
export function install(revision: string, folder: string) {
  const archive = execFileSync('git', ['-C', ROOT, 'archive', revision], { maxBuffer: 2 ** 30 })
  execFileSync('tar', ['-x', '-C', folder], { input: archive })
  // The two lock files differ at least in the version, so its packages may differ as well.
  execFileSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: folder })
  return join(folder, 'server.ts')
}
