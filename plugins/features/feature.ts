import type { MySqlTable } from 'drizzle-orm/mysql-core'
import type { FastifyPluginAsync } from 'fastify'
import type { TObject } from 'typebox'

/**
 * A command applies no migrations, starts no job workers and checks no pictures: these belong to the service. A trial
 * proves that a version starts: it is a service that takes no jobs and has no port for metrics.
 */
export type Role = 'service' | 'command' | 'trial'

/** A folder of routes/, of extensions/ or an entry of EXTENSIONS; all of one shape. */
export type Feature = {
  name: string
  folder: string
  /** False for what ships in routes/. */
  extension: boolean
  index: FastifyPluginAsync
  prefix: string
  service?: FastifyPluginAsync
  tables: Record<string, MySqlTable>
  /** The folder of its migrations. */
  migrations?: string
  /** The schema of its own settings. */
  settings?: TObject
  /** The range of versions of the kernel it works with. */
  kernel?: unknown
}

/** The feature that is being loaded. */
export type Owner = Pick<Feature, 'name' | 'extension'>
