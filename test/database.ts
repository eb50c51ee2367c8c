import { startMariadb } from '../local/mariadb.ts'
import { startMysql } from './mysql/server.ts'

/** True under `npm run test:mysql`. */
export const isMysql = process.env.TEST_DATABASE === 'mysql'

/** A database server of its own, of the kind on which the tests run. */
export const startDatabase: (options: Options) => ReturnType<typeof startMysql> = isMysql
  ? startMysql
  : startMariadb

type Options = Parameters<typeof startMysql>[0]
