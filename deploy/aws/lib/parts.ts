import type { Buckets } from './buckets.ts'
import type { Database } from './database.ts'
import type { Network } from './network.ts'
import type { Options } from './options.ts'
import type { Redis } from './redis.ts'
import type { createSecrets } from './secrets.ts'

/** The parts that the machines are made from. */
export type Parts = {
  network: Network
  buckets: Buckets
  database: Database
  secrets: ReturnType<typeof createSecrets>
  redis: Redis | undefined
  options: Options
}
