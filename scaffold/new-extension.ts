import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import { generateMigration } from './migration.ts'
import { linkPackages, writePackage } from './package.ts'

const ROOT = join(import.meta.dirname, '..')
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
/** Characters: a table name, which begins with the extension's name, has at most 64 bytes. */
const NAME_MAX = 30

/**
 * Writes an extension: a folder of `extensions/` for a name, a package for a path. A package that is
 * there already is linked to this Birdhouse anew. Returns what to try next.
 * @throws Error with a sentence that says what to change.
 */
export function newExtension(target: string) {
  const isPackage = /[./]/.test(target)
  const folder = isPackage ? resolve(target) : join(ROOT, 'extensions', target)
  const name = basename(folder).replace(/^birdhouse-/, '')
  if (!NAME.test(name) || name.length > NAME_MAX) {
    throw new Error(
      `${name} cannot be the name: use at most ${NAME_MAX} lower-case letters, digits and single dashes, beginning with a letter.`,
    )
  }
  if (isPackage && !relative(ROOT, folder).startsWith('..')) {
    throw new Error(
      'Put a package outside of this project; for a folder inside, give only its name.',
    )
  }
  if (isPackage && existsSync(join(folder, 'package.json'))) {
    if (!isExtension(folder)) {
      throw new Error(`${folder} exists and is not an extension; choose another path.`)
    }
    linkPackages(folder)
    return `${folder} is linked to this Birdhouse.`
  }
  const taken = [folder, join(ROOT, 'routes', name), join(ROOT, 'extensions', name)]
  const there = taken.find((path) => existsSync(path))
  if (there) throw new Error(`${there} exists; choose another name.`)

  copyTemplate(folder, name, isPackage)
  if (isPackage) writePackage(folder)
  const { error, status, stdout, stderr } = generateMigration([folder, '--name=first'], 'pipe')
  if (status !== 0) {
    rmSync(folder, { recursive: true })
    const reason = error?.message ?? stdout + stderr
    throw new Error(`The migration could not be written, so ${folder} was not created. ${reason}`)
  }
  return nextSteps(folder, name, isPackage)
}

function isExtension(folder: string) {
  const index = join(folder, 'index.ts')
  return existsSync(index) && readFileSync(index, 'utf8').includes('export const kernel')
}

function copyTemplate(folder: string, name: string, isPackage: boolean) {
  mkdirSync(folder, { recursive: true })
  cpSync(join(import.meta.dirname, 'template'), folder, { recursive: true })
  const test = join(folder, 'test')
  renameSync(join(test, 'ext-name.test.ts'), join(test, `${name}.test.ts`))
  for (const file of globSync('**/*.ts', { cwd: folder })) {
    const path = join(folder, file)
    const source = rename(readFileSync(path, 'utf8'), name)
    writeFileSync(path, isPackage ? loadedByPath(source) : source)
  }
}

/** Replaces each spelling of the template's name; the template itself is code that compiles. */
function rename(source: string, name: string) {
  const words = name.split('-')
  const pascal = words.map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`).join('')
  const camel = `${pascal[0]?.toLowerCase()}${pascal.slice(1)}`
  return source
    .replaceAll('ext-name', name)
    .replaceAll('ext_name', words.join('_'))
    .replaceAll('extName', camel)
    .replaceAll('ExtName', pascal)
    .replaceAll('KERNEL', packageJson.version)
}

/** An extension outside of extensions/ must be named in EXTENSIONS. */
const loadedByPath = (source: string) =>
  source
    .replace('await setUp(t)', "await setUp(t, { EXTENSIONS: join(import.meta.dirname, '..') })")
    .replace('import { drained', "import { join } from 'node:path'\nimport { drained")

function nextSteps(folder: string, name: string, isPackage: boolean) {
  const path = relative(process.cwd(), folder)
  const test = isPackage ? `cd ${path} && npm test` : `npm test -- ${path}/test/${name}.test.ts`
  const run = isPackage ? `EXTENSIONS=${path} npm start` : 'npm start'
  return `Created ${path}. Try it:
  ${test}
  ${run}    # GET /v1/${name}, and in /docs
docs/extending.md lists everything that an extension may use.`
}
