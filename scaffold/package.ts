import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import tsconfig from '../tsconfig.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '..')
/** What the template imports; an extension shares Birdhouse's copies. */
const SHARED = ['drizzle-orm', 'fastify', 'fastify-plugin', 'typebox'] as const

/** The files that make a folder a package which ships JavaScript and declarations. */
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
      test: 'node node_modules/birdhouse/test/run.ts',
      types: 'tsc --noEmit',
      prepack:
        "tsc --project tsconfig.build.json && node -e \"fs.cpSync('migrations', 'dist/migrations', { recursive: true })\"",
    },
    peerDependencies: Object.fromEntries(
      SHARED.map((name) => [name, packageJson.dependencies[name]]),
    ),
    // Not installed here: they are Birdhouse's, so that there is one copy of each.
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
  writeFileSync(join(folder, '.gitignore'), 'node_modules/\ndist/\n.tap/\n')
  linkPackages(folder)
}

/** Gives the package Birdhouse's own copies of everything, so that types merge and tests run. */
export function linkPackages(folder: string) {
  const own = join(folder, 'node_modules')
  rmSync(own, { recursive: true, force: true })
  mkdirSync(own)
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    symlinkSync(join(ROOT, 'node_modules', name), join(own, name))
  }
  symlinkSync(ROOT, join(own, 'birdhouse'))
}
