import { globSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import t from 'tap'

const ROOT = join(import.meta.dirname, '..')

/** The project's files that a file imports, types included. */
function importsOf(file: string) {
  const source = readFileSync(join(ROOT, file), 'utf8')
  return [...source.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path = '']) =>
    normalize(join(file, '..', path)),
  )
}

const importing = (glob: string, forbidden: (path: string, file: string) => boolean) =>
  globSync(glob, { cwd: ROOT }).flatMap((file) =>
    importsOf(file)
      .filter((path) => forbidden(path, file))
      .map((path) => `${file} imports ${path}`),
  )

const isAbove = (path: string) => /^(app|server)\.ts$|^(local|cli|demo|bench|test)\//.test(path)
const folderOf = (path: string) => path.split('/').slice(0, 2).join('/')

t.test('the kernel imports no feature and nothing that is built on it', async (t) => {
  t.ok(importsOf('plugins/events.ts').length > 1, 'the test finds imports')
  const isFeature = (path: string) => /^(routes|extensions)\//.test(path)
  t.strictSame(
    importing('plugins/**/*.ts', (path) => isFeature(path) || isAbove(path)),
    [],
  )
})

t.test('a feature imports no other feature and nothing that is built on features', async (t) => {
  const isOther = (path: string, file: string) =>
    /^(routes|extensions)\//.test(path) && folderOf(path) !== folderOf(file)
  t.strictSame(
    importing('routes/**/*.ts', (path, file) => isOther(path, file) || isAbove(path)),
    [],
  )
})

t.test('each path of the API stands literally in its route', async (t) => {
  const files = globSync('{routes,extensions}/*/*.ts', { cwd: ROOT })
  const built = files.filter((file) =>
    /\b(?:get|post|put|patch|delete)\(\s*`|url:\s*`/.test(readFileSync(join(ROOT, file), 'utf8')),
  )
  t.strictSame(built, [])
})

t.test(
  'no source runs a shell, evaluates text or builds a regular expression from input',
  async (t) => {
    const files = globSync(['{plugins,routes,extensions,db}/**/*.ts', '*.ts'], { cwd: ROOT })
    const having = (pattern: RegExp) =>
      files.filter((file) => pattern.test(readFileSync(join(ROOT, file), 'utf8'))).sort()
    const isTest = (file: string) => file.includes('/test/')
    t.strictSame(having(/node:child_process/), [
      // Names the line of a syntax error; starts the processes that decode pictures.
      'plugins/features/discover.ts',
      'routes/media/pictures/workers.ts',
    ])
    t.strictSame(having(/shell: true|\beval\(|new Function\(/), [])
    const inFunctions = having(/^ +.*new RegExp\(/m).filter((file) => !isTest(file))
    t.strictSame(inFunctions, [])
  },
)
