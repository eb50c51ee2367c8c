import { type ConnectionOptions, createConnection } from 'mysql2/promise'
import { connect, prepareSession } from '../plugins/db/client.ts'

/** Opens the database over one connection, for command-line tools that need no app. */
export async function openDb(database: ConnectionOptions) {
  const client = await createConnection({ ...database, connectTimeout: 5_000 })
  await prepareSession(client)
  return { db: connect(client), close: () => client.end() }
}
