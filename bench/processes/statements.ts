import type { PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'

/**
 * A page of tweets with authors, counts, retweeted originals and parents in one query: the answer of the
 * service without the fields that depend on the viewer.
 */
export const page = `SELECT t.id, t.text, t.created_at, t.retweet_of_id,
    u.id AS author_id, u.handle, u.name, u.avatar_key,
    COALESCE(c.likes, 0) AS likes, COALESCE(c.retweets, 0) AS retweets,
    COALESCE(c.replies, 0) AS replies,
    o.text AS original_text, o.created_at AS original_created_at,
    ou.id AS original_author_id, ou.handle AS original_handle, ou.name AS original_name,
    ou.avatar_key AS original_avatar_key,
    oc.likes AS original_likes, oc.retweets AS original_retweets, oc.replies AS original_replies,
    p.id AS parent_id, pu.id AS parent_author_id, pu.handle AS parent_handle,
    pu.name AS parent_name, pu.avatar_key AS parent_avatar_key
  FROM bench_pages e
  JOIN tweets t ON t.id = e.tweet_id
  JOIN users u ON u.id = t.author_id
  LEFT JOIN tweet_counts c ON c.tweet_id = t.id
  LEFT JOIN tweets o ON o.id = t.retweet_of_id
  LEFT JOIN users ou ON ou.id = o.author_id
  LEFT JOIN tweet_counts oc ON oc.tweet_id = o.id
  LEFT JOIN tweets p ON p.id = COALESCE(o.reply_to_id, t.reply_to_id)
  LEFT JOIN users pu ON pu.id = p.author_id
  WHERE e.reader_id = ? ORDER BY e.tweet_id DESC LIMIT 20`

export const withAuthor = `SELECT t.id, t.text, t.created_at, u.id AS author_id, u.handle, u.name,
    u.avatar_key
  FROM tweets t JOIN users u ON u.id = t.author_id WHERE t.id = ?`

/** A statement of the service with marks for the values of a request. */
export type Statement = { sql: string; values: string[] }
/** The values of the marks. */
export type Values = { user: string; tweet?: string; text?: string }

export const MARKS = {
  user: '\u0001user\u0001',
  tweet: '\u0001tweet\u0001',
  text: '\u0001text\u0001',
}

/** Runs the statements with other values; the id of an inserted tweet is used from then on. */
export async function replay(connection: PoolConnection, statements: Statement[], known: Values) {
  const values = { ...known }
  let widest: RowDataPacket | undefined
  for (const { sql, values: marked } of statements) {
    const filled = marked.map((value) => fill(value, values))
    const [result] = await connection.execute<RowDataPacket[] | ResultSetHeader>(sql, filled)
    if (!Array.isArray(result)) values.tweet ??= String(result.insertId)
    else if (Object.keys(result[0] ?? {}).length > Object.keys(widest ?? {}).length) {
      widest = result[0]
    }
  }
  return widest
}

const fill = (value: string, { user, tweet = '', text = '' }: Values) =>
  value.replaceAll(MARKS.user, user).replaceAll(MARKS.tweet, tweet).replaceAll(MARKS.text, text)
