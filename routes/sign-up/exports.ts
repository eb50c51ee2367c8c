import type { FastifyInstance } from 'birdhouse'
import { eq } from 'drizzle-orm'

/** Adds the rows of an account to the archive for its owner; the code of an invitation is a secret. */
export function addExports(app: FastifyInstance) {
  const { acceptedTerms, invitations, invitationUses } = app.tables

  app.exports.add('terms', (userId) =>
    app.db
      .select({ version: acceptedTerms.version, acceptedAt: acceptedTerms.acceptedAt })
      .from(acceptedTerms)
      .where(eq(acceptedTerms.userId, userId)),
  )

  app.exports.add('invitation', (userId) =>
    app.db
      .select({ invitationId: invitations.id, invitedAt: invitations.createdAt })
      .from(invitationUses)
      .innerJoin(invitations, eq(invitations.id, invitationUses.invitationId))
      .where(eq(invitationUses.userId, userId)),
  )
}
