import { bytes32, createdAt, id, reference, time } from 'birdhouse/columns'
import { index, int, mysqlTable, uniqueIndex } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    invitations: typeof invitations
    invitationUses: typeof invitationUses
  }
}

/** The code is shown once; the row has its SHA-256. */
export const invitations = mysqlTable(
  'invitations',
  {
    id: id().autoincrement().primaryKey(),
    hash: bytes32().notNull(),
    /** The account that made the invitation; null for the command line. */
    authorId: id(),
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
