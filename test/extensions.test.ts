import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import packageJson from '../package.json' with { type: 'json' }
import * as schemas from '../plugins/schemas.ts'
import { setUp } from './helper.ts'

// The contract: what docs/extending.md says is there, and shipped extensions use nothing else.

const ROOT = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

t.test('features import only types and declarations of Birdhouse', async (t) => {
  const files = globSync('{routes/*,extensions/*,scaffold/template}/**/*.ts', { cwd: ROOT })
  t.ok(files.length > 60)
  const libraries = Object.keys({ ...packageJson.dependencies, ...packageJson.devDependencies })
  const isLibrary = (target: string) =>
    libraries.some((name) => target === name || target.startsWith(`${name}/`))
  for (const file of files) {
    const home = file.split('/').slice(0, 2).join('/')
    const isTest = file.startsWith(`${home}/test/`)
    // An example within a template is text.
    const source = read(file).replaceAll(/`(?:\\.|[^`\\])*`/gs, '``')
    const imports = source.matchAll(
      /^(import type|import|export)\b(?:[^'"=(]*?\bfrom)? '([^']+)'/gm,
    )
    for (const [, kind = '', target = ''] of imports) {
      const allowed = target.startsWith('.')
        ? !relative(home, join(dirname(file), target)).startsWith('..')
        : target === 'birdhouse'
          ? kind === 'import type'
          : target === 'birdhouse/testing'
            ? isTest
            : target === 'birdhouse/schemas' ||
              target === 'birdhouse/columns' ||
              target.startsWith('node:') ||
              isLibrary(target)
      t.ok(allowed, `${file}: ${kind} '${target}'`)
    }
    // A library that few processes need may be loaded late.
    for (const [, given = ''] of source.matchAll(/\b(?:import|require)\(([^)]*)\)?/g))
      t.ok(
        isLibrary(given.slice(1, -1)) && !given.includes('birdhouse'),
        `${file} imports ${given} at the top`,
      )
    if (!isTest) t.notMatch(source, /process\.env/, `${file} takes its settings from app`)
  }
})

t.test('everything that docs/extending.md offers exists', async (t) => {
  const app = await setUp(t)
  const text = read('docs/extending.md')
  const tables = text.slice(text.indexOf('## What `app` offers'), text.indexOf('### Events'))
  const first = tables.split('\n').flatMap((line) => /^\| (.+?) \| /.exec(line)?.[1] ?? [])
  const names = first.flatMap((cell) => {
    const codes = [...cell.matchAll(/`([\w.]+)(?:\([^`]*\))?`/g)].map(([, code = '']) => code)
    const prefix = codes[0]?.replace(/\.[^.]+$/, '')
    return codes.map((code) => (code.includes('.') ? code : `${prefix}.${code}`))
  })
  t.ok(names.length > 50)
  for (const name of names.filter((one) => one.startsWith('app.'))) {
    const value = name
      .split('.')
      .slice(1)
      .reduce((object: any, key) => object?.[key], app)
    t.not(value, undefined, name)
  }
  const pieces = /`birdhouse\/schemas` \| (.*) \|/.exec(text)?.[1] ?? ''
  for (const [, name = ''] of pieces.matchAll(/`(\w+)`/g)) t.ok(name in schemas, name)
})

t.test('birdhouse has the types of every plugin and service', async (t) => {
  const source = read('birdhouse.ts')
  const merging = (glob: string) =>
    globSync(glob, { cwd: ROOT }).filter((file) => read(file).includes("declare module 'fastify'"))
  const missing = [
    ...merging('plugins/{*,*/index}.ts').map((file) => `import type {} from './${file}'`),
    ...merging('routes/*/*.ts').map((file) => `/// <reference path="./${file}" />`),
  ].filter((line) => !source.includes(line))
  t.strictSame(missing, [])
})

t.test('the walk-through quotes the files of bookmarks', async (t) => {
  const text = read('docs/extending.md')
  const begin = text.indexOf('## Walk-through: bookmarks')
  const walk = text.slice(begin, text.indexOf('\n## ', begin + 1))
  const blocks = [...walk.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)
  const sources = globSync('extensions/bookmarks/*.ts', { cwd: ROOT }).map(read).join('\n')
  t.ok(blocks.length > 6)
  for (const block of blocks) t.ok(sources.includes(block), block)
})
