import { mysqlError } from '../plugins/db/errors.ts'
import { ExtensionError } from '../plugins/features/error.ts'

// What to do about a start that failed, in one sentence, for whoever sits at the terminal.

type SystemError = NodeJS.ErrnoException & { port?: number; address?: string }

const DATABASE: Record<string, string> = {
  ECONNREFUSED: 'Nothing answers at the host and port of DATABASE_URL; check them, or start it.',
  ENOTFOUND: 'The host name in DATABASE_URL is not known; check its spelling.',
  EAI_AGAIN: 'The host name in DATABASE_URL cannot be looked up right now; check the network.',
  ETIMEDOUT: 'The host in DATABASE_URL does not answer; check the host, the port and firewalls.',
  EHOSTUNREACH: 'The host in DATABASE_URL cannot be reached; check the host and the network.',
  ENETUNREACH: 'The host in DATABASE_URL cannot be reached; check the host and the network.',
  ER_ACCESS_DENIED_ERROR:
    'The database refuses the user or the password of DATABASE_URL, or it takes them over TLS only: check both, or set DATABASE_TLS to verify.',
  ER_SECURE_TRANSPORT_REQUIRED:
    'The database of DATABASE_URL takes TLS only; set DATABASE_TLS to verify.',
  HANDSHAKE_NO_SSL_SUPPORT:
    'The database of DATABASE_URL speaks no TLS, which DATABASE_TLS or the URL asks for; turn it on there, or set DATABASE_TLS to off for plaintext.',
  HANDSHAKE_SSL_ERROR:
    'TLS with the database of DATABASE_URL fails. DATABASE_TLS=verify needs a certificate for the host of DATABASE_URL, signed by an authority of DATABASE_CA.',
  ER_DBACCESS_DENIED_ERROR:
    'The user of DATABASE_URL may not use its database; check the name, or GRANT ALL on it.',
  ER_BAD_DB_ERROR:
    'The database that DATABASE_URL names does not exist; check the name, or CREATE DATABASE it.',
  ER_CON_COUNT_ERROR: 'The database of DATABASE_URL takes no more connections; try again later.',
  PROTOCOL_CONNECTION_LOST:
    'The database of DATABASE_URL hangs up; is it a MySQL or MariaDB server, and is it up?',
}

/** The same error, or one with a sentence about DATABASE_URL when connecting is what failed. */
export function adviseDatabase(error: unknown) {
  const cause = mysqlError(error)
  const sentence = DATABASE[cause?.code ?? '']
  const reason =
    cause instanceof Error && cause.code === 'HANDSHAKE_SSL_ERROR' ? ` (${cause.message})` : ''
  return sentence ? new Error(sentence + reason, { cause: error }) : error
}

/** The same error, or one with a sentence about the folder when writing to it is what failed. */
export function adviseFolder(error: unknown, folder: string) {
  const sentences: Record<string, string> = {
    ENOSPC: `The disk that holds ${folder} is full. Free some space, or set LOCAL_DIR to a folder elsewhere.`,
    EDQUOT: `The disk quota for ${folder} is used up. Free some space, or set LOCAL_DIR to a folder elsewhere.`,
    EROFS: `The disk that holds ${folder} is read-only. Set LOCAL_DIR to a folder that can be written.`,
    EACCES: `${folder} cannot be written by this user. Set LOCAL_DIR to a folder that can be.`,
    EPERM: `${folder} cannot be written by this user. Set LOCAL_DIR to a folder that can be.`,
    ENOTDIR: `${folder} lies below something that is no folder. Set LOCAL_DIR to another one.`,
    // So Node reports a read-only disk when it makes a folder together with those above it.
    ENOENT: `${folder} cannot be created; its disk may be read-only. Set LOCAL_DIR to a folder that can be written.`,
    EEXIST: `${folder} is a file. Set LOCAL_DIR to a folder.`,
    ENAMETOOLONG: 'The path of LOCAL_DIR is too long. Set LOCAL_DIR to a shorter one.',
  }
  const sentence = sentences[(error as SystemError).code ?? '']
  return sentence ? new Error(sentence, { cause: error }) : error
}

/** What to print when the start fails: a sentence, or for a mistake in the code where it is. */
export function adviseStart(error: SystemError) {
  if (error.code === 'EADDRINUSE') {
    const next = (error.port ?? 3000) + 1
    return `Port ${error.port} is taken. Stop what uses it, or choose another: PORT=${next}`
  }
  if (error.code === 'EACCES' && error.port) {
    return `Port ${error.port} needs root; choose one above 1023: PORT=3000`
  }
  if (error.code === 'EADDRNOTAVAIL' || (error.code === 'ENOTFOUND' && error.syscall)) {
    return 'HOST is not an address of this machine; set it to 127.0.0.1, or to 0.0.0.0 for all of them.'
  }
  if (error instanceof ExtensionError) {
    return error.cause instanceof Error ? `${error.message}\n${error.cause.stack}` : error.message
  }
  const mistake = [TypeError, ReferenceError, SyntaxError, RangeError].some(
    (kind) => error instanceof kind,
  )
  return mistake ? (error.stack ?? error.message) : error.message
}
