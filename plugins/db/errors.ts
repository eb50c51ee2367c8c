// Deadlock, lock wait timeout, MariaDB's "record has changed since last read", and group replication's conflict at COMMIT.
const CONFLICTS = new Set([1213, 1205, 1020, 3101])
// Too many connections: to the server, of every user, of this user.
const FULL = new Set([1040, 1203, 1226])
// Read-only, such as a primary that has just become a replica.
const READ_ONLY = [1290, 1792, 1836]
// 1047, 3100: a member of a cluster without a majority.
const REFUSED = new Set([...READ_ONLY, 1047, 3100])
// 1180: the same at COMMIT. 1053, 1927, 3169: killed or shutting down.
const AWAY = new Set([...REFUSED, 1180, 1053, 1927, 3169])
// 3, 1021, 1114: a full disk. 1045: the password has been changed, and this process has not been restarted yet.
const OUTAGES = new Set([...AWAY, 3, 1021, 1114, 1045])
const OUTAGE_CODES = new Set(
  'ECONNREFUSED ECONNRESET ETIMEDOUT EPIPE ENOTFOUND EAI_AGAIN PROTOCOL_CONNECTION_LOST'.split(' '),
)

type MysqlError = { code?: string; errno?: number; fatal?: boolean; sqlMessage?: string }

export function mysqlError(error: unknown): MysqlError | undefined {
  // An error with a status has its answer already; its cause may come from another store.
  if (!(error instanceof Error) || 'statusCode' in error) return undefined
  const known = 'sqlState' in error || 'errno' in error || 'fatal' in error
  // Only the driver and Node's sockets set these three fields.
  return known ? (error as MysqlError) : mysqlError(error.cause)
}

/** True when the connection leads to a server that takes no writes; another may lead to the new primary. */
export const isReadOnly = (error: unknown) => READ_ONLY.includes(mysqlError(error)?.errno ?? 0)

/** True when the database can't be reached or can't take the work now; a later retry may succeed. */
export function isUnavailable(error: unknown) {
  const cause = mysqlError(error)
  if (!cause) return false
  return cause.fatal === true || OUTAGES.has(cause.errno ?? 0) || isCut(cause) || isBusy(cause)
}

/** True when the server is gone or takes no work; another may have taken over within seconds. */
export function isAway(error: unknown) {
  const cause = mysqlError(error)
  if (!cause) return false
  const isClosed = cause.fatal === true && cause.errno === undefined
  return AWAY.has(cause.errno ?? 0) || isCut(cause) || isClosed
}

/** True when the server has not run the statement, or has rolled the transaction back. */
export const isRefused = (error: unknown) => REFUSED.has(mysqlError(error)?.errno ?? 0)

const isCut = ({ code = '' }: MysqlError) => OUTAGE_CODES.has(code)

export const isConflict = (error: unknown) => CONFLICTS.has(mysqlError(error)?.errno ?? 0)

/** True when the database answers but is too busy: a conflict, or too many connections. */
export const isBusy = (error: unknown) =>
  isConflict(error) || FULL.has(mysqlError(error)?.errno ?? 0)

/** Returns the name of the unique key that an INSERT or UPDATE violated, if one was. */
export function duplicateKey(error: unknown) {
  const cause = mysqlError(error)
  if (cause?.code !== 'ER_DUP_ENTRY') return undefined
  return cause.sqlMessage?.match(/for key '(?:.*\.)?(.+)'$/)?.[1]
}

export const isMissingParent = (error: unknown) => mysqlError(error)?.errno === 1452
