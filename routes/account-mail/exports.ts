import type { FastifyInstance } from 'birdhouse'
import { eq } from 'drizzle-orm'

/** Adds the rows of an account to the archive for its owner; tokens are secrets. */
export function addExports(app: FastifyInstance) {
  const { mailTokens, verifiedEmails } = app.tables

  app.exports.add('verified-email', (userId) =>
    app.db
      .select({ email: verifiedEmails.email, verifiedAt: verifiedEmails.verifiedAt })
      .from(verifiedEmails)
      .where(eq(verifiedEmails.userId, userId)),
  )

  app.exports.add('mails', (userId) =>
    app.db
      .select({
        purpose: mailTokens.purpose,
        email: mailTokens.email,
        expiresAt: mailTokens.expiresAt,
      })
      .from(mailTokens)
      .where(eq(mailTokens.userId, userId)),
  )
}
