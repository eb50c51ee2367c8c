import type { FastifyInstance, Tx } from 'birdhouse'

/** OWASP ASVS 7.4.3: a change of a factor offers to end all other sessions. */
export const endingOthers =
  (app: FastifyInstance) =>
  ({ userId, sessionId }: { userId: number; sessionId: number }, isWanted = false) =>
  async (tx: Tx) =>
    isWanted && app.auth.sessions.revokeOthers(userId, sessionId, tx)
