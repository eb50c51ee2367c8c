import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import packageJson from '../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')
/** Tells the program that it runs on Node 22.18, the first one that reads TypeScript by itself. */
const OLDER = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.18.0' } })`

const scripts = Object.values(packageJson.scripts)
const programs = [...new Set(scripts.flatMap((line) => line.match(/\S+\.ts\b/g) ?? []))]
  .flatMap((file) => globSync(file, { cwd: ROOT }))
  .filter((file) => !file.endsWith('.test.ts'))

test('every program rejects an older Node before it does anything', async (t) => {
  t.ok(programs.includes('server.ts') && programs.includes('cli/index.ts'))
  for (const program of programs) {
    const args = ['--import', OLDER, join(ROOT, program), '--help']
    const { status, stderr, stdout } = spawnSync(process.execPath, args, {
      cwd: tmpdir(),
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    })
    t.equal(status, 1, program)
    t.equal(stdout, '')
    t.match(stderr, /^Birdhouse needs Node >=24, and this is Node 22\.18\.0\. [^\n]*\n$/)
    const [first] = readFileSync(join(ROOT, program), 'utf8').split('\n')
    t.match(
      first,
      /^import '.*\/local\/node-version\.ts'$/,
      'no module is imported before the check',
    )
  }
})
