import '../local/node-version.ts'
import { spawnSync } from 'node:child_process'
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
import { linkPackages, writePackage } from './package.ts'

const USAGE = `Usage: npm run new:extension -- <name or path>

  npm run new:extension pins                a folder, extensions/pins
  npm run new:extension ../birdhouse-pins   a package, to publish or npm pack;
                                            run again to restore its links to this Birdhouse
`

const ROOT = join(import.meta.dirname, '..')
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
/** Characters: a table name, which begins with the extension's name, has at most 64 bytes. */
const NAME_MAX = 30

function main([target, ...rest]: string[]) {
  if (target === undefined || target.startsWith('-') || rest.length > 0) return fail(USAGE)
  const isPackage = /[./]/.test(target)
  const folder = isPackage ? resolve(target) : join(ROOT, 'extensions', target)
  const name = basename(folder).replace(/^birdhouse-/, '')
  if (!NAME.test(name) || name.length > NAME_MAX) {
    return fail(
      `${name} cannot be the name: use at most ${NAME_MAX} lower-case letters, digits and single dashes, beginning with a letter.`,
    )
  }
  if (isPackage && !relative(ROOT, folder).startsWith('..')) {
    return fail('Put a package outside of this project; for a folder inside, give only its name.')
  }
  if (isPackage && existsSync(join(folder, 'package.json'))) {
    if (!isExtension(folder))
      return fail(`${folder} exists and is not an extension; choose another path.`)
    linkPackages(folder)
    return console.log(`${folder} is linked to this Birdhouse.`)
  }
  const taken = [folder, join(ROOT, 'routes', name), join(ROOT, 'extensions', name)]
  const there = taken.find((path) => existsSync(path))
  if (there) return fail(`${there} exists; choose another name.`)

  copyTemplate(folder, name, isPackage)
  if (isPackage) writePackage(folder)
  const generate = [join(ROOT, 'db/generate.ts'), folder, '--name=first']
  const { status, stdout, stderr } = spawnSync(process.execPath, generate, { encoding: 'utf8' })
  if (status !== 0)
    return fail(`The migration of ${folder} could not be written.\n${stdout}${stderr}`)
  console.log(nextSteps(folder, name, isPackage))
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

function fail(sentence: string) {
  console.error(sentence)
  process.exitCode = 1
}

main(process.argv.slice(2))
