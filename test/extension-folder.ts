import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { build } from '../app.ts'
import type { Env } from '../plugins/config/index.ts'

const ROOT = join(import.meta.dirname, '..')

export type Files = Record<string, string>

/** The source of an `index` that does nothing, or what is given; `schemas` has Birdhouse's schemas. */
export const index = (body = '', kernel = "export const kernel = '*'") =>
  `import * as schemas from 'birdhouse/schemas'\n${kernel}\nexport default async function (app) { ${body} }`

/** The source of a `service`. */
export const service = (body: string, name: string, dependencies: string[] = []) => `
import * as schemas from 'birdhouse/schemas'
import fp from 'fastify-plugin'
export default fp(async (app) => { ${body} }, {
  name: '${name}.service', dependencies: ${JSON.stringify(dependencies)},
})`

/** Writes extensions into a folder of their own below the project, so that they find its packages. */
export function extensionFolders(t: Test) {
  mkdirSync(join(ROOT, '.tap'), { recursive: true })
  const home = mkdtempSync(join(ROOT, '.tap/extensions-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))

  /** Returns the path of the extension, for EXTENSIONS. `path` ends in its name. */
  return (path: string, files: Files = {}) => {
    const folder = join(home, path)
    for (const [name, source] of Object.entries({ 'index.js': index(), ...files })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), source)
    }
    return folder
  }
}

/** Returns a function that starts an app with extensions and gives the message of the failure. */
export const refusals =
  (env: Env) =>
  async (t: Test, paths: string[], more: Env = {}) => {
    const EXTENSIONS = paths.join(',')
    const error = await build({ ...env, EXTENSIONS, ...more }).then(
      async (app) => {
        await app.close()
        return new Error('it boots')
      },
      (error: Error) => error,
    )
    t.comment(error.message)
    return error.message
  }
