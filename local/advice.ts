import { mysqlError } from '../plugins/db/errors.ts'
import { ExtensionError } from '../plugins/features/error.ts'

// One sentence for the terminal that says what to change after a failed start.

type SystemError = NodeJS.ErrnoException & { port?: number; address?: string }

const DATABASE: Record<string, string> = {
  ECONNREFUSED:
    'Nothing answers at the host and port of DATABASE_URL; check both, or start the database.',
  ENOTFOUND: 'The host name in DATABASE_URL is unknown; check its spelling.',
  EAI_AGAIN: 'The host name in DATABASE_URL cannot be looked up right now; check the network.',
  ETIMEDOUT: 'The host in DATABASE_URL does not answer; check the host, the port and firewalls.',
  EHOSTUNREACH: 'The host in DATABASE_URL cannot be reached; check the host and the network.',
  ENETUNREACH: 'The host in DATABASE_URL cannot be reached; check the host and the network.',
  ER_ACCESS_DENIED_ERROR:
    'The database rejects the user or the password of DATABASE_URL, or accepts them over TLS only: check both, or set DATABASE_TLS to verify.',
  ER_SECURE_TRANSPORT_REQUIRED:
    'The database of DATABASE_URL accepts TLS only; set DATABASE_TLS to verify.',
  HANDSHAKE_NO_SSL_SUPPORT:
    'The database of DATABASE_URL has no TLS, which DATABASE_TLS or the URL requires; turn TLS on in the database, or set DATABASE_TLS to off for plaintext.',
  HANDSHAKE_SSL_ERROR:
    'TLS with the database of DATABASE_URL fails. DATABASE_TLS=verify needs a certificate for the host of DATABASE_URL, signed by an authority of DATABASE_CA.',
  ER_DBACCESS_DENIED_ERROR:
    'The user of DATABASE_URL may not use the database; check its name, or GRANT ALL on the database.',
  ER_BAD_DB_ERROR:
    'The database that DATABASE_URL names does not exist; check the name, or create it with CREATE DATABASE.',
  ER_CON_COUNT_ERROR: 'The database of DATABASE_URL has no free connection; try again later.',
  PROTOCOL_CONNECTION_LOST:
    'The database of DATABASE_URL closes the connection; check that it is a MySQL or MariaDB server and is running.',
}

/** The same error, or an error about DATABASE_URL if the connection failed. */
export function adviseDatabase(error: unknown) {
  const cause = mysqlError(error)
  const sentence = DATABASE[cause?.code ?? '']
  const reason =
    cause instanceof Error && cause.code === 'HANDSHAKE_SSL_ERROR' ? ` (${cause.message})` : ''
  return sentence ? new Error(sentence + reason, { cause: error }) : error
}

/** The same error, or an error about the folder if writing to the folder failed. */
export function adviseFolder(error: unknown, folder: string) {
  const sentences: Record<string, string> = {
    ENOSPC: `The disk that holds ${folder} is full. Free some space, or set LOCAL_DIR to a folder on another disk.`,
    EDQUOT: `The disk quota for ${folder} is used up. Free some space, or set LOCAL_DIR to a folder on another disk.`,
    EROFS: `The disk that holds ${folder} is read-only. Set LOCAL_DIR to a writable folder.`,
    EACCES: `${folder} cannot be written by this user. Set LOCAL_DIR to a writable folder.`,
    EPERM: `${folder} cannot be written by this user. Set LOCAL_DIR to a writable folder.`,
    ENOTDIR: `A parent of ${folder} is no folder. Set LOCAL_DIR to another folder.`,
    // Node reports a read-only disk by this code when it creates a folder and its parents.
    ENOENT: `${folder} cannot be created; its disk may be read-only. Set LOCAL_DIR to a writable folder.`,
    EEXIST: `${folder} is a file. Set LOCAL_DIR to a folder.`,
    ENAMETOOLONG: 'The path of LOCAL_DIR is too long. Set LOCAL_DIR to a shorter path.',
  }
  const sentence = sentences[(error as SystemError).code ?? '']
  return sentence ? new Error(sentence, { cause: error }) : error
}

/** The text to print when the start fails: a sentence, or the stack of a mistake in the code. */
export function adviseStart(error: SystemError) {
  if (error.code === 'EADDRINUSE') {
    const next = (error.port ?? 3000) + 1
    return `Port ${error.port} is taken. Stop the program that uses it, or choose another port: PORT=${next}`
  }
  if (error.code === 'EACCES' && error.port) {
    return `Port ${error.port} needs root; choose a port above 1023: PORT=3000`
  }
  if (error.code === 'EADDRNOTAVAIL' || (error.code === 'ENOTFOUND' && error.syscall)) {
    return 'HOST is not an address of this machine; set it to 127.0.0.1, or to 0.0.0.0 for all addresses.'
  }
  if (error instanceof ExtensionError) {
    return error.cause instanceof Error ? `${error.message}\n${error.cause.stack}` : error.message
  }
  const mistake = [TypeError, ReferenceError, SyntaxError, RangeError].some(
    (kind) => error instanceof kind,
  )
  return mistake ? (error.stack ?? error.message) : error.message
}
