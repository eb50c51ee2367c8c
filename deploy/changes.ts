import '../local/node-version.ts'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { readEnv } from '../plugins/config/index.ts'

// Runs after PM2 has replaced the processes: names the settings that have changed since the last time.

/** In the folder of PM2, which only its user enters; hashes, because settings hold secrets. */
const FILE = join('.pm2', 'settings.json')

type Hashes = Record<string, string>

const { apps } = createRequire(import.meta.url)('../ecosystem.config.cjs')
const names = Object.keys(apps[0].env)
const env = readEnv()

const hash = (value: string) => createHash('sha256').update(value).digest('base64url')

function lastTime(): Hashes | undefined {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'))
  } catch {
    return undefined
  }
}

const before = lastTime()
const now: Hashes = {}
for (const name of names) if (env[name]) now[name] = hash(`${name}=${env[name]}`)
writeFileSync(FILE, JSON.stringify(now), { mode: 0o600 })
const changed = names.filter((name) => before && before[name] !== now[name])
if (before) console.log(`Changed settings: ${changed.join(', ') || 'none'}`)
