import { createConnection, type RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { load } from '../../bench/data/load.ts'
import { sizesAt } from '../../bench/data/sizes.ts'
import { migrate } from '../../db/migrate.ts'
import { startMariadb } from '../../local/mariadb.ts'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { temporaryFolder } from '../server/spawn.ts'

t.test('the bench loads its smallest data, including empty tables', async (t) => {
  // The other tests' server refuses LOAD DATA LOCAL.
  const serverOptions = ['--local-infile=1']
  const options = { folder: temporaryFolder(t), volatile: true, serverOptions, onStop: t.teardown }
  const { url: DATABASE_URL } = await startMariadb(options)
  await migrate(connectionOptions({ DATABASE_URL }))
  // Nobody likes anything, no author is popular, and no timeline is kept ready.
  const sizes = { ...sizesAt(0.001), likes: 0, fanOutLimit: 1_000_000, keep: 0 }
  let loaded = 0
  await load(DATABASE_URL, sizes, (count) => {
    loaded += count
  })

  const connection = await createConnection(connectionOptions({ DATABASE_URL }))
  t.teardown(() => connection.end())
  const countOf = async (table: string) => {
    const [rows] = await connection.query<RowDataPacket[]>(`SELECT COUNT(*) AS n FROM ${table}`)
    return rows[0]?.n
  }
  for (const table of ['likes', 'popular_authors', 'timeline_entries']) {
    t.equal(await countOf(table), 0, table)
  }
  t.equal(await countOf('tweets'), sizes.tweets)
  t.ok(await countOf('users'))
  t.ok(loaded > sizes.tweets, `${loaded} rows`)
})
