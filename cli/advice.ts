import { adviseDatabase, adviseStart } from '../local/advice.ts'
import { mysqlError } from '../plugins/db/errors.ts'

const NO_SUCH_TABLE = 1146

export const MIGRATE_FIRST = 'Run `npm start` or `npm run birdhouse -- db migrate` first.'

/** The text to print for an error: a sentence, or for a mistake in the code its stack. */
export function advise(error: unknown) {
  const { errno, sqlMessage } = mysqlError(error) ?? {}
  if (errno === NO_SUCH_TABLE) return `The database lacks a table. ${MIGRATE_FIRST}`
  const advised = adviseDatabase(error)
  const isUnknown = advised === error && sqlMessage
  return isUnknown ? `The database refuses: ${sqlMessage}` : adviseStart(advised as Error)
}
