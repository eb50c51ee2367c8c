import type { FastifyInstance } from 'fastify'
import { type ConnectionOptions, createPool, type RowDataPacket } from 'mysql2/promise'
import { connect } from '../db/client.ts'
import { poolOptions, watchPool } from '../db/pool.ts'
import { executing, preparedBy } from '../db/prepared.ts'
import { createShares } from '../db/shares.ts'
import { inTime } from '../in-time.ts'
import type { Dialect } from './positions.ts'

/** Seconds that a replica has to apply what the primary has committed; reads wait for it. */
const MOST_LAG = 0.2
/** Milliseconds for the answer of a replica that is asked to wait so long. */
const ANSWER = 1_000

export type Replica = ReturnType<typeof createReplica>

/** One replica, which is out of service until it is found to be up to date. */
export function createReplica(app: FastifyInstance, options: ConnectionOptions, dialect: Dialect) {
  const name = `${options.host}:${options.port}`
  const pool = createPool(poolOptions(options, app.config.poolSize))
  watchPool(pool, options, app.log)
  const shares = createShares(pool, app.log)
  const db = connect(shares.client)
  preparedBy.set(db, connect(executing(pool.pool, shares)))
  /** Why it is out of service; undefined while it serves. */
  let fault: string | undefined = 'not asked yet'

  async function findFault(position: string) {
    if (position === '') return 'the database of DATABASE_URL writes no GTIDs'
    const asking = pool.query<RowDataPacket[]>(dialect.wait, [position, MOST_LAG])
    const [[row]] = await inTime(asking, ANSWER)
    // Its own writes would count as those of the primary.
    if (row?.isReadOnly !== 1) return 'it takes writes: a replica must be read-only'
    return row.late === 0 ? undefined : `it is more than ${MOST_LAG} s late`
  }

  /** Whether it has all that the primary had committed at this position. */
  async function reaches(position: string) {
    const found = await findFault(position).catch((error: Error) => error.message || String(error))
    note(found)
    return found === undefined
  }

  function note(found: string | undefined) {
    if (found !== fault && found !== undefined) {
      app.log.warn({ replica: name, reason: found }, 'a replica of the database is left out')
    }
    if (found === undefined && fault !== undefined) {
      app.log.info({ replica: name }, 'a replica of the database serves reads')
    }
    fault = found
  }

  return {
    name,
    db,
    reaches,
    leaveOut: (error: Error) => note(error.message),
    isInService: () => fault === undefined,
    close: () => pool.end(),
  }
}
