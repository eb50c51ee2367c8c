import { rows } from '../database.ts'
import { MARKS, type Statement } from '../processes/statements.ts'
import type { Bench } from '../setup.ts'

type Logged = { thread: number; text: string }
type Known = { user: number; tweet?: number; text?: string }

/** A unique text, to find the transaction of a request in the log. */
export const MARKER = 'what was asked for'

/**
 * The statements of one request, from `begin` to `commit`, read from the server's log, so that the bare
 * service always runs the same statements as the service.
 */
export async function captureTransaction(
  { pool, service, send }: Bench,
  request: string,
  known: Known,
) {
  await pool.query("SET GLOBAL log_output = 'TABLE'")
  await pool.query('TRUNCATE mysql.general_log')
  await pool.query('SET GLOBAL general_log = 1')
  const load = { port: service.port, requests: [request], connections: 1, bodies: true }
  const { bodies } = await send(load)
  await pool.query('SET GLOBAL general_log = 0')
  const log = await rows<Logged>(
    pool,
    `SELECT thread_id AS thread, CONVERT(argument USING utf8mb4) AS text FROM mysql.general_log
     WHERE command_type IN ('Query', 'Execute')`,
  )
  const tweet = known.tweet ?? Number(JSON.parse(bodies?.[0] || '{}').id)
  return transactionWith(log, tweet).map((text) => withMarks(text, { ...known, tweet }))
}

/** The service sends several statements in one packet; the bare service runs each of them. */
const NEXT = /(?<=^begin); |; (?=insert into |select |commit$)/i

/** The statements of the transaction that has written the tweet's id. */
function transactionWith(log: Logged[], tweet: number) {
  for (const thread of new Set(log.map(({ thread }) => thread))) {
    const packets = log.filter((one) => one.thread === thread)
    const texts = packets.flatMap(({ text }) => text.split(NEXT))
    for (const [start, text] of texts.entries()) {
      if (text !== 'begin') continue
      const end = texts.indexOf('commit', start)
      const within = texts.slice(start + 1, end)
      const jobs = within.find((one) => /^insert into `?jobs/i.test(one))
      if (jobs?.includes(`${tweet}`)) return within
    }
  }
  throw new Error('The transaction of the request is missing in the log of the database.')
}

/** Jobs of the bare service are never due, so that the service does not run them. */
const DUE_NOW = 'INTERVAL 0 MICROSECOND'

/** Strings, and numbers outside of strings and of names. */
const LITERALS = /'((?:[^'\\]|\\.|'')*)'|(?<![\w`.])(\d+)(?![\w`])/g

/** A prepared statement with marks for the values that differ between requests. */
function withMarks(text: string, { user, tweet, text: body }: Known): Statement {
  const values: string[] = []
  const marked = (literal: string) => {
    const within = (value: string) =>
      value.replaceAll(new RegExp(`(?<!\\d)(?:(${tweet})|${user})(?!\\d)`, 'g'), (_, isTweet) =>
        isTweet ? MARKS.tweet : MARKS.user,
      )
    return literal === body ? MARKS.text : within(literal)
  }
  const sql = text.replaceAll(LITERALS, (literal, string?: string, number?: string) => {
    const value = number ?? unescaped(string ?? '')
    const other = marked(value)
    if (other === value) return literal
    values.push(other)
    return '?'
  })
  return { sql: sql.replaceAll(DUE_NOW, 'INTERVAL 1 YEAR'), values }
}

const unescaped = (text: string) => text.replaceAll(/\\(.)/g, '$1').replaceAll("''", "'")
