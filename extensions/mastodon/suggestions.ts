import type { FastifyInstance } from 'birdhouse'
import { and, desc, isNull, ne, type SQL, sql } from 'drizzle-orm'

/** The newest follows of a person, of each person followed, and of everyone, that are counted; bounds a statement. */
const COUNTED = { own: 30, ofEach: 100, ofAll: 5_000 }

export type Suggestion = { id: number; source: 'friends_of_friends' | 'most_followed' }

/** Accounts that a person may want to follow. */
export function createSuggestions(app: FastifyInstance) {
  const { follows, mastodonDismissals: dismissals, mastodonProfiles: profiles, users } = app.tables

  /** People whom most of the followees follow, then people who were followed most lately. */
  async function suggest(userId: number, limit: number) {
    const friends = await among(byFollowees(userId), userId, limit)
    const known = new Set(friends)
    const others = known.size < limit ? await among(byEveryone, userId, limit) : []
    const more = others.filter((id) => !known.has(id)).slice(0, limit - known.size)
    return [
      ...friends.map((id): Suggestion => ({ id, source: 'friends_of_friends' })),
      ...more.map((id): Suggestion => ({ id, source: 'most_followed' })),
    ]
  }

  const byFollowees = (userId: number) => sql`SELECT followee_id AS id, COUNT(*) AS follows FROM (
    SELECT followee_id AS friend_id, COALESCE((SELECT id FROM ${follows} f WHERE f.follower_id = own.followee_id
      ORDER BY id DESC LIMIT 1 OFFSET ${COUNTED.ofEach}), 0) AS start_id
    FROM ${follows} own WHERE follower_id = ${userId} ORDER BY id DESC LIMIT ${COUNTED.own}
  ) friends STRAIGHT_JOIN ${follows} ON follower_id = friend_id AND id > start_id GROUP BY followee_id`

  const byEveryone = sql`SELECT followee_id AS id, COUNT(*) AS follows FROM (
    SELECT followee_id FROM ${follows} ORDER BY id DESC LIMIT ${COUNTED.ofAll}
  ) latest GROUP BY followee_id`

  /** The ids of these candidates whom the person does not follow, block, mute or has dismissed; without those who do not want it. */
  async function among(candidates: SQL, userId: number, limit: number) {
    const isNotIn = (table: SQL) => sql`NOT EXISTS (SELECT 1 FROM ${table} = ${users.id})`
    const rows = await app.db
      .select({ id: users.id })
      .from(sql`(${candidates}) AS candidates`)
      .innerJoin(users, sql`${users.id} = candidates.id`)
      .where(
        and(
          ne(users.id, userId),
          isNull(users.hiddenAt),
          isNull(users.limitedAt),
          app.graph.notBlocked(userId, users.id),
          app.graph.notMuted(userId, users.id),
          isNotIn(sql`${follows} WHERE follower_id = ${userId} AND followee_id`),
          isNotIn(sql`${dismissals} WHERE user_id = ${userId} AND account_id`),
          isNotIn(sql`${profiles} WHERE NOT is_discoverable AND user_id`),
        ),
      )
      .orderBy(desc(sql`candidates.follows`), desc(users.id))
      .limit(limit)
    return rows.map(({ id }) => id)
  }

  /** Idempotent. An account that does not exist is no suggestion either. */
  async function dismiss(userId: number, accountId: number) {
    await app.db.insert(dismissals).ignore().values({ userId, accountId })
  }

  return { suggest, dismiss }
}
