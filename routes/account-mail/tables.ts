import { bytes32, id, reference, text, time } from 'birdhouse/columns'
import { index, mysqlTable, uniqueIndex } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    mailTokens: typeof mailTokens
    verifiedEmails: typeof verifiedEmails
  }
}

/** The newest token of each purpose; the mail has the token, the row its hash. */
export const mailTokens = mysqlTable(
  'mail_tokens',
  {
    hash: bytes32().primaryKey(),
    userId: reference('users').notNull(),
    purpose: text({ length: 20 }).notNull(),
    /** The address that the mail went to. */
    email: text({ length: 254 }).notNull(),
    /** Digest of the account's address and password hash: a change of either ends the token. */
    binding: bytes32().notNull(),
    expiresAt: time().notNull(),
  },
  (t) => [
    uniqueIndex('mail_tokens_purpose').on(t.userId, t.purpose),
    index('mail_tokens_expires').on(t.expiresAt),
  ],
)

/** The address whose mails the owner has read, which need not be the current one. */
export const verifiedEmails = mysqlTable('verified_emails', {
  userId: id().primaryKey(),
  email: text({ length: 254 }).notNull(),
  verifiedAt: time().notNull(),
})
