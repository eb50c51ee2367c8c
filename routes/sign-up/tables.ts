import { bytes32, createdAt, id, reference, text, time } from 'birdhouse/columns'
import { index, int, mysqlTable, primaryKey, tinyint, uniqueIndex } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    invitations: typeof invitations
    invitationUses: typeof invitationUses
    signUpBlocks: typeof signUpBlocks
    acceptedTerms: typeof acceptedTerms
  }
}

/** The code is shown once; the row has its SHA-256. */
export const invitations = mysqlTable(
  'invitations',
  {
    id: id().autoincrement().primaryKey(),
    hash: bytes32().notNull(),
    /** The account that made the invitation; null for the command line and for an erased account. */
    authorId: reference('users', { onDelete: 'set null' }),
    uses: int({ unsigned: true }).notNull(),
    usesLeft: int({ unsigned: true }).notNull(),
    createdAt: createdAt(),
    expiresAt: time().notNull(),
    revokedAt: time(),
  },
  (t) => [uniqueIndex('invitations_hash').on(t.hash)],
)

/** The accounts that signed up with an invitation. */
export const invitationUses = mysqlTable(
  'invitation_uses',
  {
    userId: reference('users', { onDelete: 'cascade' }).primaryKey(),
    invitationId: id()
      .notNull()
      .references(() => invitations.id),
  },
  (t) => [index('invitation_uses_invitation').on(t.invitationId)],
)

/** Domains of e-mail addresses and ranges of client addresses. A lifted block stays, for the audit log. */
export const signUpBlocks = mysqlTable(
  'sign_up_blocks',
  {
    id: id().autoincrement().primaryKey(),
    kind: text({ length: 10 }).$type<'domain' | 'range'>().notNull(),
    /** A domain in punycode, or a range such as 192.0.2.0/24. */
    value: text({ length: 253 }).notNull(),
    /** The first and the last address of a range, in the form of `keyOf` in ranges.ts. */
    first: text({ length: 33 }),
    last: text({ length: 33 }),
    reason: text({ length: 1000 }).notNull(),
    createdAt: createdAt(),
    /** 1 until the block is lifted, then NULL. */
    active: tinyint().default(1),
  },
  (t) => [
    uniqueIndex('sign_up_blocks_once').on(t.kind, t.value, t.active),
    index('sign_up_blocks_range').on(t.active, t.first, t.last),
  ],
)

/** Each version of the terms that an account has accepted, and when. */
export const acceptedTerms = mysqlTable(
  'accepted_terms',
  {
    userId: reference('users', { onDelete: 'cascade' }).notNull(),
    version: text({ length: 40 }).notNull(),
    acceptedAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.userId, t.version] })],
)
