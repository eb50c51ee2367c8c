import { rows } from '../database.ts'
import type { Bench } from '../setup.ts'

let given = 0

/** `count` users, each with a tweet they have not liked: different tweets, or the same tweet for all. */
export async function nextLikers(
  { ids, pool, tokens }: Pick<Bench, 'ids' | 'pool' | 'tokens'>,
  count: number,
  what: 'spread' | 'one',
) {
  const silent = ids.users - ids.firstSilent + 1
  const users = Array.from({ length: count }, (_, n) => ids.firstSilent + ((given + n) % silent))
  const tweets = await rows<{ id: number }>(
    pool,
    `SELECT id FROM tweets WHERE retweet_of_id IS NULL AND deleted_at IS NULL AND id % 17 = 0
     ORDER BY id LIMIT ? OFFSET ?`,
    [what === 'one' ? 1 : count, what === 'one' ? 0 : 1 + (given % Math.floor(ids.users / 2))],
  )
  given += count
  const signed = await tokens(users)
  return users.map((userId, n) => ({
    userId,
    token: signed[n] ?? '',
    tweetId: tweets[n % tweets.length]?.id ?? 0,
  }))
}
