import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TObject } from 'typebox'
import { KernelSettings } from '../plugins/config/index.ts'
import { discover } from '../plugins/features/discover.ts'

// `npm run env:example` writes .env.example: names from the schemas, words from README.md's table.

const ROOT = join(import.meta.dirname, '..')
export const FILE = join(ROOT, '.env.example')

const HEAD = `# Every setting, made by \`npm run env:example\`. Copy this file to .env and change what you need:
# outside production no setting is required.
`

/**
 * The text of .env.example.
 * @throws Error that names the settings of the schemas that README.md's table lacks, and the other
 * way round.
 */
export async function envExample() {
  const rows = readRows(readFileSync(join(ROOT, 'README.md'), 'utf8'))
  const features = await discover([], new Map())
  const schemas = [KernelSettings, ...features.flatMap(({ settings = [] }) => settings)]
  const settings = schemas.flatMap(({ properties }: TObject) => Object.entries(properties))
  const names = settings.map(([name]) => name)
  requireAll(names, [...rows.keys()], 'README.md has no row for')
  requireAll([...rows.keys()], names, 'README.md has a row for unknown')
  const parts = settings.map(([name, schema]) => {
    const { usual, meaning } = rows.get(name) ?? {}
    const value = 'default' in schema ? schema.default : ''
    return `# ${meaning}\n# Default: ${usual}\n# ${name}=${value}\n`
  })
  return [HEAD, ...parts].join('\n')
}

/** The table below the heading "Settings": name, default, meaning. */
function readRows(readme: string) {
  const section = readme.split(/^## /m).find((text) => text.startsWith('Settings\n')) ?? ''
  const rows = section.matchAll(/^\| `([A-Z\d_]+)` \| (.+?) \| (.+) \|$/gm)
  return new Map(
    [...rows].map(([, name = '', usual = '', meaning = '']) => [
      name,
      { usual: plain(usual), meaning: plain(meaning) },
    ]),
  )
}

const plain = (markdown: string) => markdown.replaceAll('`', '')

function requireAll(wanted: string[], present: string[], complaint: string) {
  const missing = wanted.filter((name) => !present.includes(name))
  if (missing.length > 0) throw new Error(`${complaint} ${missing.join(', ')}.`)
}

export const writeEnvExample = async () => writeFileSync(FILE, await envExample())
