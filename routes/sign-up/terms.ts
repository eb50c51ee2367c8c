import createError from '@fastify/error'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, inArray } from 'drizzle-orm'

const TermsNotAccepted = createError(
  'TERMS_NOT_ACCEPTED',
  'Read the terms%s, and send `acceptedTerms` with their version, %s.',
  403,
)
const NoTerms = createError('NO_TERMS', 'This instance has no terms to accept.', 404)
const OtherTerms = createError('OTHER_TERMS', 'The current version of the terms is %s.', 409)

/** The terms of the settings TERMS_VERSION and TERMS_URL. Without a version nobody is asked. */
export function createTerms(app: FastifyInstance) {
  const { acceptedTerms: table } = app.tables
  const { TERMS_VERSION: version, TERMS_URL: url = null } = app.config['sign-up']

  const record = async (userId: number, accepted: string, db: Db | Tx) =>
    void (await db.insert(table).ignore().values({ userId, version: accepted }))

  if (version !== undefined)
    app.auth.addSignUpRule({
      before: async ({ acceptedTerms }) => {
        if (acceptedTerms !== version) throw new TermsNotAccepted(url ? ` at ${url}` : '', version)
      },
      within: (tx, userId) => record(userId, version, tx),
    })

  /** Keeps the time of the first acceptance. @throws NoTerms, OtherTerms */
  async function acceptTerms(userId: number, accepted: string) {
    if (version === undefined) throw new NoTerms()
    if (accepted !== version) throw new OtherTerms(version)
    await record(userId, version, app.db)
  }

  /** The current terms by user id, and whether the user has accepted them. */
  async function termsOf(userIds: number[]) {
    if (version === undefined) return new Map<number, never>()
    const rows = await app.db
      .select({ userId: table.userId })
      .from(table)
      .where(and(inArray(table.userId, userIds), eq(table.version, version)))
    const accepting = new Set(rows.map(({ userId }) => userId))
    return new Map(userIds.map((id) => [id, { version, url, accepted: accepting.has(id) }]))
  }

  return { acceptTerms, termsOf }
}
