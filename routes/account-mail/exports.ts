import type { FastifyInstance } from 'birdhouse'
import { eq } from 'drizzle-orm'

/** What the owner gets in an archive; tokens are secrets. */
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
