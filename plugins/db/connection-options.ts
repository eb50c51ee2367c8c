import { connect, isIP } from 'node:net'
import type { ConnectionOptions } from 'mysql2'
import { listOf } from '../config/setting.ts'
import { readDatabaseUrl } from './database-url.ts'
import { readAuthorities, readTls } from './tls.ts'

type DatabaseSettings = {
  DATABASE_URL?: string | undefined
  DATABASE_REPLICA_URLS?: string | undefined
  DATABASE_TLS?: string | undefined
  DATABASE_CA?: string | undefined
}

/** Milliseconds of quiet before the kernel asks whether the host is still there; by default two hours. */
const KEEP_ALIVE = 10_000

/** The message has one line per problem, which names the setting and shows no value. */
class DatabaseSettingsError extends Error {
  override name = 'DatabaseSettingsError'
}

/**
 * Returns the driver's options for the database of these settings; every pool, connection and tool
 * uses them. Only the URL's address, account and database name reach the driver.
 * @throws DatabaseSettingsError
 */
export function connectionOptions(settings: DatabaseSettings): ConnectionOptions {
  const url = readDatabaseUrl(settings.DATABASE_URL ?? '')
  const parameters = typeof url === 'string' ? [] : url.parameters
  const { level, problems } = readTls(settings.DATABASE_TLS, parameters)
  const ca = settings.DATABASE_CA ? readAuthorities(settings.DATABASE_CA) : undefined
  if (typeof ca === 'string') problems.push(`- DATABASE_CA: ${ca}`)
  // MySQL's clients check the certificate once a CA is set. A CA that would be ignored here is an error.
  if (Array.isArray(ca) && level !== 'verify') {
    problems.push('- DATABASE_CA: set DATABASE_TLS to verify as well, or leave DATABASE_CA out')
  }
  if (typeof url === 'string') problems.unshift(`- DATABASE_URL: ${url}`)
  if (typeof url === 'string' || typeof ca === 'string' || problems.length > 0) {
    throw new DatabaseSettingsError(problems.join('\n'))
  }
  const verify = level === 'verify'
  const { host, port } = url.address
  return {
    ...url.address,
    charset: 'utf8mb4_unicode_ci',
    timezone: 'Z',
    enableKeepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE,
    ...(level !== 'off' && {
      ssl: { rejectUnauthorized: verify, verifyIdentity: verify, ...(ca && { ca }) },
    }),
    ...(verify && isIP(host) && { stream: () => connectToAddress(host, port) }),
  }
}

/**
 * For a server at an IP address the driver passes no host to TLS. Node then checks the certificate
 * against the socket's `_host`, or against `localhost` without one.
 */
const connectToAddress = (host: string, port: number) =>
  Object.assign(
    connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE }),
    { _host: host },
  )

/** The options for each replica that DATABASE_REPLICA_URLS names. @throws DatabaseSettingsError */
export const replicaOptions = (settings: DatabaseSettings) =>
  listOf(settings.DATABASE_REPLICA_URLS ?? '').map((url) =>
    connectionOptions({ ...settings, DATABASE_URL: url }),
  )

export function databaseProblems(settings: DatabaseSettings) {
  return [
    ...problemsOf(() => connectionOptions(settings)),
    // The problems of TLS are those of the database.
    ...problemsOf(() =>
      replicaOptions({ DATABASE_REPLICA_URLS: settings.DATABASE_REPLICA_URLS }),
    ).map((problem) => problem.replace('DATABASE_URL', 'DATABASE_REPLICA_URLS')),
  ]
}

function problemsOf(read: () => unknown) {
  try {
    read()
    return []
  } catch (error) {
    if (error instanceof DatabaseSettingsError) return error.message.split('\n')
    throw error
  }
}
