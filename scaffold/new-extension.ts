import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import { generateMigration } from './migration.ts'
import { linkPackages, writePackage } from './package.ts'

const ROOT = join(import.meta.dirname, '..')
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
/** What follows it in the name of the longest table must fit into 64 bytes. */
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
      `${name} can't be the name: take lower-case letters, digits and single dashes, beginning with a letter, ${NAME_MAX} at most.`,
    )
  }
  if (isPackage && !relative(ROOT, folder).startsWith('..')) {
    throw new Error(
      'A package lives outside of this project; for a folder inside, give its name alone.',
    )
  }
  if (isPackage && existsSync(join(folder, 'package.json'))) {
    if (!isExtension(folder)) throw new Error(`${folder} is there already, and is no extension.`)
    linkPackages(folder)
    return `${folder} is linked to this Birdhouse.`
  }
  const taken = [folder, join(ROOT, 'routes', name), join(ROOT, 'extensions', name)]
  const there = taken.find((path) => existsSync(path))
  if (there) throw new Error(`${there} is there already; choose another name.`)

  copyTemplate(folder, name, isPackage)
  if (isPackage) writePackage(folder)
  const { status, stdout, stderr } = generateMigration([folder, '--name=first'], 'pipe')
  if (status !== 0) throw new Error(`Its migration could not be written.\n${stdout}${stderr}`)
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

/** The template is code that compiles; its name in each way of writing becomes the new one's. */
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

/** Outside of extensions/ nothing finds it by itself. */
const loadedByPath = (source: string) =>
  source
    .replace('await setUp(t)', "await setUp(t, { EXTENSIONS: join(import.meta.dirname, '..') })")
    .replace('import { drained', "import { join } from 'node:path'\nimport { drained")

function nextSteps(folder: string, name: string, isPackage: boolean) {
  const path = relative(process.cwd(), folder)
  const test = isPackage ? `cd ${path} && npm test` : `npm test -- ${path}/test/${name}.test.ts`
  const run = isPackage ? `EXTENSIONS=${path} npm start` : 'npm start'
  return `${path} is there. Try it:
  ${test}
  ${run}    # GET /v1/${name}, and in /docs
What it may use is in docs/extending.md.`
}
