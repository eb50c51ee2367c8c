import { bytes, bytes32, createdAt, id, reference, text, time } from 'birdhouse/columns'
import { bigint, index, int, mysqlTable, primaryKey, uniqueIndex } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    sessions: typeof sessions
    refreshTokens: typeof refreshTokens
    revokedSessions: typeof revokedSessions
    loginAttempts: typeof loginAttempts
    secondFactors: typeof secondFactors
    recoveryCodes: typeof recoveryCodes
    passkeys: typeof passkeys
    passkeyChallenges: typeof passkeyChallenges
  }
}

export const sessions = mysqlTable(
  'sessions',
  {
    id: id().autoincrement().primaryKey(),
    userId: reference('users').notNull(),
    ip: text({ length: 45 }).notNull(),
    userAgent: text({ length: 255 }).notNull(),
    /** The name of the app that the session was opened for; null for a login. */
    app: text({ length: 100 }),
    createdAt: createdAt(),
    lastUsedAt: createdAt(),
    expiresAt: time().notNull(),
    /** When the last access token of this session expires. */
    accessUntil: time().notNull(),
  },
  (t) => [index('sessions_user').on(t.userId, t.id), index('sessions_expires').on(t.expiresAt)],
)

/** A used token stays until its session ends, so that its reuse is detected. */
export const refreshTokens = mysqlTable(
  'refresh_tokens',
  {
    hash: bytes32().primaryKey(),
    sessionId: id()
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    spentAt: time(),
    /** Derives the next token from this token; null once the next token has been used. */
    successorSalt: bytes32(),
  },
  (t) => [index('refresh_tokens_session').on(t.sessionId)],
)

/** Ended sessions that still have an unexpired access token. */
export const revokedSessions = mysqlTable(
  'revoked_sessions',
  { sessionId: id().primaryKey(), until: time().notNull(), revokedAt: createdAt() },
  (t) => [
    index('revoked_sessions_until').on(t.until),
    index('revoked_sessions_revoked').on(t.revokedAt),
  ],
)

/**
 * Failed logins in a row. A row with a network says that the account signed in from there, and counts its failures;
 * the row without one counts those of all other networks.
 */
export const loginAttempts = mysqlTable(
  'login_attempts',
  {
    /** The id of an account, or a negative number for addresses of e-mail without one. */
    subject: bigint({ mode: 'number' }).notNull(),
    network: text({ length: 45 }).notNull(),
    failures: int({ unsigned: true }).notNull(),
    waitUntil: time().notNull(),
    changedAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.subject, t.network] }),
    index('login_attempts_changed').on(t.changedAt),
  ],
)

/** One per account; on from `confirmedAt`. */
export const secondFactors = mysqlTable('second_factors', {
  userId: reference('users', { onDelete: 'cascade' }).primaryKey(),
  /** The secret, encrypted. */
  sealed: text({ length: 255 }).notNull(),
  /** The step of RFC 6238 whose code was used last; earlier ones are refused. */
  lastStep: bigint({ mode: 'number', unsigned: true }).notNull().default(0),
  createdAt: createdAt(),
  confirmedAt: time(),
})

/** Unused codes; a use deletes the row. */
export const recoveryCodes = mysqlTable(
  'recovery_codes',
  {
    userId: reference('users', { onDelete: 'cascade' }).notNull(),
    hash: bytes32().notNull(),
  },
  (t) => [primaryKey({ columns: [t.userId, t.hash] })],
)

/** Public keys of authenticators (WebAuthn); the second factor is on while there is one. */
export const passkeys = mysqlTable(
  'passkeys',
  {
    id: id().autoincrement().primaryKey(),
    userId: reference('users', { onDelete: 'cascade' }).notNull(),
    /** In base64url, at most 1,023 bytes (WebAuthn, section 4). */
    credentialId: text({ length: 1364 }).notNull(),
    /** SHA-256 of `credentialId`, which is too long for an index. */
    credentialHash: bytes32().notNull(),
    /** A COSE key. */
    publicKey: bytes({ length: 1024 }).notNull(),
    /** Signatures that the authenticator has counted; 0 where it counts none. */
    counter: int({ unsigned: true }).notNull(),
    /** Comma-separated. */
    transports: text({ length: 255 }).notNull(),
    name: text({ length: 50 }).notNull(),
    createdAt: createdAt(),
    lastUsedAt: time(),
  },
  (t) => [
    index('passkeys_user').on(t.userId, t.id),
    uniqueIndex('passkeys_credential').on(t.credentialHash),
  ],
)

/** Random bytes that a passkey signs; a use deletes the row. */
export const passkeyChallenges = mysqlTable(
  'passkey_challenges',
  {
    id: id().autoincrement().primaryKey(),
    userId: reference('users', { onDelete: 'cascade' }).notNull(),
    /** The session that registers a passkey; null for the use of a passkey. */
    sessionId: id(),
    challenge: bytes32().notNull(),
    expiresAt: time().notNull(),
  },
  (t) => [
    index('passkey_challenges_user').on(t.userId, t.id),
    index('passkey_challenges_expires').on(t.expiresAt),
  ],
)
