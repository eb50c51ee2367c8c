import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inTime } from '../in-time.ts'
import { checkExtension, checkNames, checkPlugins } from './check.ts'
import { blame, ExtensionError } from './error.ts'
import type { Feature } from './feature.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Milliseconds one module gets to be imported: its top level may await as well. */
const IMPORT_LIMIT = 10_000

type Found = Pick<Feature, 'name' | 'folder' | 'extension'>

/**
 * Imports every feature but those to go without. One folder is one feature, and of its files only
 * `index`, `service`, `tables` and `config` are looked at.
 * @throws ExtensionError
 */
export async function discover(entries: string[], without: ReadonlyMap<string, string>) {
  const wantedEntries = [...new Set(entries)].filter((entry) => !without.has(nameOf(entry)))
  const found = [...ownFolders(), ...wantedEntries.map(find)]
  const wanted = found.filter(({ name, extension }) => !extension || !without.has(name))
  checkNames(wanted)
  const features: Feature[] = []
  for (const one of wanted) {
    try {
      const feature = await read(one)
      checkPlugins(feature)
      if (feature.extension) checkExtension(feature, features)
      features.push(feature)
    } catch (error) {
      throw blame(one, error)
    }
  }
  return features
}

function ownFolders(): Found[] {
  const below = (home: string) =>
    existsSync(join(ROOT, home))
      ? readdirSync(join(ROOT, home), { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map(({ name }) => ({
            name,
            folder: join(ROOT, home, name),
            extension: home === 'extensions',
          }))
      : []
  return [...below('routes'), ...below('extensions')]
}

/** An entry of EXTENSIONS is a folder or the name of an installed package. */
function find(entry: string): Found {
  const path = resolve(entry)
  const name = nameOf(entry)
  if (existsSync(path)) return { name, folder: path, extension: true }
  try {
    const main = createRequire(join(ROOT, 'app.ts')).resolve(entry)
    return { name, folder: dirname(main), extension: true }
  } catch {
    throw new ExtensionError(
      name,
      `EXTENSIONS names ${entry}, which is neither a folder nor an installed package; correct the name, or npm install it.`,
    )
  }
}

/** `@acme/birdhouse-pins` is the extension `pins`, and so is the folder `../birdhouse-pins`. */
export const nameOf = (entry: string) => basename(resolve(entry)).replace(/^birdhouse-/, '')

/** The migrations of the features that have some. */
export const historiesOf = (features: Feature[]) =>
  features.flatMap(({ name, migrations }) =>
    migrations ? [{ owner: name, folder: migrations }] : [],
  )

async function read(found: Found): Promise<Feature> {
  const load = (part: string) => importPart(found.folder, part)
  const [index, service, tables, config] = await Promise.all(
    ['index', 'service', 'tables', 'config'].map(load),
  )
  if (!index) {
    throw new ExtensionError(found.name, 'it has no index; that file makes a folder a feature.')
  }
  const migrations = join(found.folder, 'migrations')
  return {
    ...found,
    index: index.default,
    prefix: index.prefixOverride ?? '/v1',
    tables: { ...tables },
    kernel: index.kernel,
    ...(service && { service: service.default }),
    ...(config && { settings: config.default ?? null }),
    ...(existsSync(migrations) && { migrations }),
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what a module exports is checked before it is used
type Module = Record<string, any>

async function importPart(folder: string, part: string): Promise<Module | undefined> {
  const file = ['ts', 'js'].map((end) => join(folder, `${part}.${end}`)).find(existsSync)
  if (!file) return undefined
  const late = () =>
    new Error(`importing ${basename(file)} did not end within 10 s; look at its top level.`)
  return inTime(import(pathToFileURL(file).href), IMPORT_LIMIT, late).catch((error) => {
    const place = placeOf(error, file)
    throw new Error(
      `${basename(file)} can't be imported: ${error?.message ?? error}${place && ` (${place})`}`,
      { cause: error },
    )
  })
}

/** The file and the line of an extension that the error comes from, as far as Node says. */
function placeOf(error: unknown, file: string) {
  const folder = dirname(file)
  const homes = [`${pathToFileURL(folder)}/`, `${folder}/`]
  const find = (text: string) => {
    const lines = text.split('\n').filter((line) => !line.includes('node:'))
    const rest = lines.flatMap((line) => homes.map((home) => line.split(home)[1] ?? ''))
    return rest.flatMap((text) => /^[^:]+:\d+/.exec(text)?.[0] ?? [])[0]
  }
  const said = find(error instanceof Error ? (error.stack ?? '') : '')
  if (said || !(error instanceof SyntaxError)) return said ?? ''
  // Node keeps the line of a syntax error in JavaScript to itself, except here.
  return find(spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' }).stderr) ?? ''
}
