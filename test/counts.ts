import { sql } from 'drizzle-orm'
import type { App } from './helper.ts'

const total = (entity: string, metric: string) => `
  COALESCE((SELECT ${metric} FROM ${entity}_counts c WHERE c.${entity}_id = x.id), 0) +
  COALESCE((SELECT SUM(${metric}) FROM ${entity}_count_deltas d WHERE d.${entity}_id = x.id), 0)`

const ROWS = {
  user: {
    followers: 'SELECT COUNT(*) FROM follows f WHERE f.followee_id = x.id',
    followees: 'SELECT COUNT(*) FROM follows f WHERE f.follower_id = x.id',
    tweets: 'SELECT COUNT(*) FROM tweets t WHERE t.author_id = x.id AND t.deleted_at IS NULL',
  },
  tweet: {
    likes: 'SELECT COUNT(*) FROM likes l WHERE l.tweet_id = x.id',
    retweets: 'SELECT COUNT(*) FROM tweets t WHERE t.retweet_of_id = x.id',
    replies: 'SELECT COUNT(*) FROM tweets t WHERE t.reply_to_id = x.id AND t.deleted_at IS NULL',
  },
}

/** Every counter that differs from the rows it counts, each compared within one statement. */
export async function countMismatches(app: App) {
  const checks = Object.entries(ROWS).flatMap(([entity, metrics]) =>
    Object.entries(metrics).map(
      ([metric, rows]) => `
        SELECT '${entity}.${metric}' AS counter, id, counted, actual FROM (
          SELECT x.id, ${total(entity, metric)} AS counted, (${rows}) AS actual FROM ${entity}s x
        ) AS compared WHERE counted <> actual`,
    ),
  )
  const [rows] = await app.db.execute(sql.raw(checks.join(' UNION ALL ')))
  return rows as unknown as { counter: string; id: number; counted: string; actual: number }[]
}
