import type { FastifyInstance, Resources } from 'birdhouse'
import { type Account, toAccount } from './present/accounts.ts'
import { createMemo, type Part, toPart } from './present/parts.ts'

/** Authors that a process remembers, about 3 KB each. */
const REMEMBERED = 20_000

/**
 * The accounts that are shown in statuses, by id. A change of the profile is seen at once; the numbers of followers and
 * posts are up to a minute old. The statuses that a viewer sees have no author who blocks the viewer.
 */
export function createAuthors(app: FastifyInstance) {
  const users = app.cache.byId('user', {
    max: REMEMBERED,
    load: (ids) => app.users.profilesOf(ids),
  })
  const parts = createMemo<Resources['User'], Part<Account>>()

  return async (ids: Iterable<number>, origin: string) => {
    const all = [...ids]
    const [known, profiles] = await Promise.all([
      users.get(all),
      app.mastodon.profiles.remembered(all),
    ])
    const found = new Map<number, Part<Account>>()
    for (const [id, user] of known) {
      const profile = profiles.get(id)
      const make = () => toPart(toAccount(app, user, origin, profile))
      found.set(id, parts(user, [origin, profile], make))
    }
    return found
  }
}
