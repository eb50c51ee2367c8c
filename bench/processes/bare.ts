import Fastify from 'fastify'
import { createPool } from 'mysql2/promise'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { answer } from './ask.ts'
import { page, replay, type Statement, type Values, withAuthor } from './statements.ts'

// The same answers without the service: Fastify, mysql2, prepared statements.

/** The pool size of plugins/db/index.ts. */
const POOL_SIZE = 20

const pool = createPool({
  ...connectionOptions(process.env),
  connectionLimit: POOL_SIZE,
})
pool.pool.on('connection', (connection) => {
  connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
  connection.query("SET SESSION time_zone = '+00:00'")
})

/** Statements of the measured transaction, see bench/lines/capture.ts. */
let statements: Statement[] = []

const app = Fastify({ logger: false })
type ById = { Params: { id: string } }

app.get<ById>('/timeline/:id', async ({ params }) => {
  const [items] = await pool.execute(page, [params.id])
  return { items }
})

app.get<ById>('/tweets/:id', async ({ params }) => {
  const [[tweet]] = (await pool.execute(withAuthor, [params.id])) as unknown as [object[]]
  return tweet
})

app.post<{ Params: { user: string }; Body: { text: string } }>(
  '/tweets/:user',
  async ({ params, body }, reply) =>
    reply.code(201).send(await inTransaction({ ...params, text: body.text })),
)

app.put<{ Params: { tweet: string; user: string } }>(
  '/tweets/:tweet/like/:user',
  async ({ params }, reply) => {
    await inTransaction(params)
    return reply.code(204).send()
  },
)

async function inTransaction(values: Values) {
  const connection = await pool.getConnection()
  try {
    await connection.query('begin')
    const result = await replay(connection, statements, values)
    await connection.query('commit')
    return result
  } catch (error) {
    await connection.query('rollback')
    throw error
  } finally {
    connection.release()
  }
}

answer<{ statements?: Statement[] }>(async (question) => {
  if (question.statements) {
    statements = question.statements
    return {}
  }
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: Number(new URL(address).port) }
})
