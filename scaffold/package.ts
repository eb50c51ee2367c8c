import { lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import tsconfig from '../tsconfig.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '..')
/** Programs of Birdhouse: npm, run in the package, may delete links to them. */
const BIN = 'node_modules/birdhouse/node_modules/.bin'
/** Libraries that extensions import; an extension uses Birdhouse's copies. */
const SHARED = ['@fastify/error', 'drizzle-orm', 'fastify', 'fastify-plugin', 'typebox'] as const

/** Writes the files of a package that ships JavaScript and declarations. */
export function writePackage(folder: string) {
  const write = (file: string, content: object) =>
    writeFileSync(join(folder, file), `${JSON.stringify(content, null, 2)}\n`)
  write('package.json', {
    name: basename(folder),
    version: '0.1.0',
    type: 'module',
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist'],
    scripts: {
      test: `${BIN}/node node_modules/birdhouse/test/run.ts`,
      types: `${BIN}/tsc --noEmit`,
      prepack: `rm -rf dist && ${BIN}/tsc --project tsconfig.build.json && if [ -d migrations ]; then cp -r migrations dist/; fi`,
    },
    peerDependencies: Object.fromEntries(
      SHARED.map((name) => [name, packageJson.dependencies[name]]),
    ),
    // Optional, so that npm does not install them: Birdhouse has the only copy of each.
    peerDependenciesMeta: Object.fromEntries(SHARED.map((name) => [name, { optional: true }])),
  })
  const { include, ...rest } = tsconfig
  write('tsconfig.json', { ...rest, include, exclude: ['node_modules', 'dist'] })
  write('tsconfig.build.json', {
    extends: './tsconfig.json',
    compilerOptions: {
      noEmit: false,
      declaration: true,
      rewriteRelativeImportExtensions: true,
      rootDir: '.',
      outDir: 'dist',
    },
    exclude: ['node_modules', 'dist', 'test'],
  })
  writeFileSync(join(folder, '.gitignore'), 'node_modules/\ndist/\n.tap/\n*.tgz\n')
  linkPackages(folder)
}

/** Links the package to Birdhouse's libraries, so that types merge and tests run. */
export function linkPackages(folder: string) {
  const own = join(folder, 'node_modules')
  const shared = join(ROOT, 'node_modules')
  // One link per library: npm, run in the package, deletes links but not their targets.
  const names = readdirSync(shared)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(shared, name)).map((part) => join(name, part)) : name,
    )
  for (const name of names) link(join(shared, name), join(own, name))
  link(ROOT, join(own, 'birdhouse'))
}

/** Keeps libraries that the package has installed itself. */
function link(target: string, path: string) {
  mkdirSync(dirname(path), { recursive: true })
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (there?.isSymbolicLink()) rmSync(path)
  else if (there) return
  symlinkSync(target, path)
}
