import type { FastifyInstance, Resources } from 'birdhouse'
import { type Account, toAccount } from './present/accounts.ts'
import { createMemo, type Part, toPart } from './present/parts.ts'
import type { Profile } from './profiles.ts'

type Author = { user: Resources['User']; profile: Profile | undefined }

/** Authors that a process remembers, about 3 KB each. */
const REMEMBERED = 20_000

/**
 * The accounts that are shown in statuses, by id. A change of the profile is seen at once; the numbers of followers and
 * posts are up to a minute old. The statuses that a viewer sees have no author who blocks the viewer.
 */
export function createAuthors(app: FastifyInstance) {
  const authors = app.cache.byId('user', { max: REMEMBERED, load })
  const parts = createMemo<Author, Part<Account>>()

  async function load(ids: number[]) {
    const [users, profiles] = await Promise.all([
      app.users.profilesOf(ids),
      app.mastodon.profiles.read(ids),
    ])
    return new Map(
      Array.from(users, ([id, user]): [number, Author] => [
        id,
        { user, profile: profiles.get(id) },
      ]),
    )
  }

  return async (ids: Iterable<number>, origin: string) => {
    const found = new Map<number, Part<Account>>()
    for (const [id, author] of await authors.get(ids)) {
      const make = () => toPart(toAccount(app, author.user, origin, author.profile))
      found.set(id, parts(author, [origin], make))
    }
    return found
  }
}
