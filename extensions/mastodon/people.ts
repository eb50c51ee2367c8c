import type { FastifyInstance } from 'birdhouse'
import { and, asc, isNull, sql } from 'drizzle-orm'
import { NotFound } from './errors.ts'

/** Finds accounts by what people type: `@Hong`, `hong@host.example`, `acct:hong`. */
export function createPeople(app: FastifyInstance) {
  const { follows, users } = app.tables

  /** @throws NotFound for an account of another server */
  function handleIn(typed: string, domain: string) {
    const handle = handleOrNone(typed, domain)
    if (!handle) throw new NotFound()
    return handle
  }

  function handleOrNone(typed: string, domain: string) {
    const [, handle = '', host] =
      /^(?:acct:)?@?([a-z0-9_]{1,30})(?:@(.+))?$/.exec(typed.trim().toLowerCase()) ?? []
    return host === undefined || host === domain.toLowerCase() ? handle : ''
  }

  type By = { viewerId: number | undefined; limit: number; offset: number; following: boolean }

  /** Ids of accounts whose handle begins with this, or of the one whose page has this address. */
  async function search(typed: string, origin: string, by: By) {
    const { viewerId, limit, offset, following } = by
    const page = `${origin}/@`
    const isAddress = typed.startsWith(page)
    const start = handleOrNone(isAddress ? typed.slice(page.length) : typed, new URL(origin).host)
    if (!start) return []
    // `|` is in no handle and the same in every mode of the server.
    const pattern = `${start.replaceAll('_', '|_')}${isAddress ? '' : '%'}`
    const isFollowed = sql`EXISTS (SELECT 1 FROM ${follows} WHERE follower_id = ${viewerId} AND followee_id = ${users.id})`
    const rows = await app.db
      .select({ id: users.id })
      .from(users)
      .where(
        and(
          sql`${users.handle} LIKE ${pattern} ESCAPE '|'`,
          isNull(users.hiddenAt),
          app.graph.notBlocked(viewerId, users.id),
          following ? isFollowed : undefined,
        ),
      )
      .orderBy(asc(users.handle))
      .limit(limit)
      .offset(offset)
    return rows.map(({ id }) => id)
  }

  return { handleIn, search }
}
