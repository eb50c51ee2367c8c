import { getTableName, is } from 'drizzle-orm'
import { MySqlTable } from 'drizzle-orm/mysql-core'
import semver from 'semver'
import * as kernelTables from '../../db/schema/index.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { ExtensionError } from './error.ts'
import type { Feature } from './feature.ts'

const NAME = /^[a-z][a-z0-9-]{0,29}$/
const SKIPS_SCOPE = Symbol.for('skip-override')

/** @throws ExtensionError when a name is taken twice or is none */
export function checkNames(found: Pick<Feature, 'name' | 'folder' | 'extension'>[]) {
  for (const [i, { name, folder, extension }] of found.entries()) {
    if (extension && !NAME.test(name)) {
      throw new ExtensionError(
        name,
        'its name must be lower-case letters, digits and dashes; rename its folder.',
      )
    }
    const first = found.slice(0, i).find((other) => other.name === name)
    if (first) {
      throw new ExtensionError(
        name,
        `the name is taken: both ${first.folder} and ${folder} have it. Rename one of the folders.`,
      )
    }
  }
}

/** The files of a folder that must be there, and those that are wrapped in fastify-plugin. */
export function checkPlugins({ name, index, service, settings }: Feature) {
  const refuse = (reason: string) => new ExtensionError(name, reason)
  if (typeof index !== 'function') throw refuse('index must export its plugin as default.')
  if (SKIPS_SCOPE in index) {
    throw refuse('index must not be wrapped in fp(): it would leave its scope and its prefix.')
  }
  if (settings !== undefined && !(typeof settings === 'object' && settings?.properties)) {
    throw refuse('config must export a Type.Object as default.')
  }
  if (service !== undefined && !(typeof service === 'function' && SKIPS_SCOPE in service)) {
    throw refuse(
      'service must export its plugin as default, and wrapped in fp(), otherwise its decorators are not visible to other features.',
    )
  }
}

export function checkExtension(feature: Feature, others: Feature[]) {
  const refuse = (reason: string) => new ExtensionError(feature.name, reason)
  const { version } = packageJson
  const { kernel } = feature
  if (typeof kernel !== 'string' || semver.validRange(kernel) === null) {
    throw refuse(`index must say which kernel it works with: export const kernel = '^${version}'.`)
  }
  if (!semver.satisfies(version, kernel)) {
    throw refuse(
      `it needs kernel ${kernel}, this is ${version}; install a version of it that fits.`,
    )
  }
  const prefix = tablePrefix(feature.name)
  const builtIn = others.filter(({ extension }) => !extension).map(({ tables }) => tables)
  const core = [kernelTables, ...builtIn].flatMap((tables) => Object.values<MySqlTable>(tables))
  const ours = core.map(getTableName).find((table) => isOwn(table, prefix))
  if (ours) throw refuse(`its tables would be taken for Birdhouse's ${ours}; rename its folder.`)
  for (const [key, table] of Object.entries(feature.tables)) {
    if (!is(table, MySqlTable)) throw refuse(`tables exports ${key}, which is no table.`)
    const name = getTableName(table)
    if (!isOwn(name, prefix)) {
      throw refuse(`its table ${name} must be called ${prefix} or ${prefix}_something.`)
    }
    const owner =
      key in kernelTables ? 'the kernel' : others.find(({ tables }) => key in tables)?.name
    if (owner) throw refuse(`its table ${key} is taken by ${owner}; export it under another name.`)
  }
}

export const tablePrefix = (name: string) => name.replaceAll('-', '_')

export const isOwn = (table: string, prefix: string) =>
  table === prefix || table.startsWith(`${prefix}_`)
