import { connect, isIP } from 'node:net'
import type { ConnectionOptions } from 'mysql2'
import { readDatabaseUrl } from './database-url.ts'
import { readAuthorities, readTls } from './tls.ts'

type DatabaseSettings = {
  DATABASE_URL?: string | undefined
  DATABASE_TLS?: string | undefined
  DATABASE_CA?: string | undefined
}

/** Has one line for each problem, which names the setting and shows no value. */
class DatabaseSettingsError extends Error {
  override name = 'DatabaseSettingsError'
}

/**
 * The driver's options for the database of these settings; every pool, connection and tool takes
 * them from here. Nothing of the URL reaches the driver but the address, the account and the name.
 * @throws DatabaseSettingsError
 */
export function connectionOptions(settings: DatabaseSettings): ConnectionOptions {
  const url = readDatabaseUrl(settings.DATABASE_URL ?? '')
  const parameters = typeof url === 'string' ? [] : url.parameters
  const { level, problems } = readTls(settings.DATABASE_TLS, parameters)
  const ca = settings.DATABASE_CA ? readAuthorities(settings.DATABASE_CA) : undefined
  if (typeof ca === 'string') problems.push(`- DATABASE_CA: ${ca}`)
  // MySQL's clients check the chain as soon as there is a CA; here it must not be given for nothing.
  if (ca && level !== 'verify') {
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
    ...(level !== 'off' && {
      ssl: { rejectUnauthorized: verify, verifyIdentity: verify, ...(ca && { ca }) },
    }),
    ...(verify && isIP(host) && { stream: () => connectToAddress(host, port) }),
  }
}

/**
 * For a server at an IP address the driver tells TLS no host, and Node then checks the certificate
 * against `_host` of the socket, or else against the name localhost.
 */
const connectToAddress = (host: string, port: number) =>
  Object.assign(connect({ host, port, noDelay: true, keepAlive: true }), { _host: host })

/** One line for each problem of these settings; `connectionOptions` would throw them. */
export function databaseProblems(settings: DatabaseSettings) {
  try {
    connectionOptions(settings)
    return []
  } catch (error) {
    if (error instanceof DatabaseSettingsError) return error.message.split('\n')
    throw error
  }
}
