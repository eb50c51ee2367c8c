import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { mysqlError } from '../plugins/db/errors.ts'
import { ExtensionError } from '../plugins/features/error.ts'

/** The migrations of the kernel, or of one extension. */
export type History = { owner?: string; folder: string }
export type Step = { id: string; hash: string; statement: string; owner: string | undefined }

const NO_SUCH_TABLE = 1146

/** Each statement of a history is a step, in the order in which they are applied. */
export function readSteps({ owner, folder }: History): Step[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
  return files.flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('--> statement-breakpoint')
      .map((statement) => statement.trim())
      .filter(Boolean)
      .map((statement, index) => ({
        id: `${owner ? `${owner}/` : ''}${file}#${index + 1}`,
        hash: createHash('sha256').update(statement).digest('hex'),
        statement,
        owner,
      })),
  )
}

export const failure = ({ owner }: Step, message: string, options?: ErrorOptions) =>
  owner ? new ExtensionError(owner, message, options) : new Error(message, options)

/** The steps that are not applied yet. @throws when an applied step was edited */
export async function pendingSteps(connection: Connection, steps: Step[]) {
  const [rows] = await connection
    .query<RowDataPacket[]>('SELECT id, hash, applied_at FROM migrations')
    .catch((error) => {
      if (mysqlError(error)?.errno === NO_SUCH_TABLE) return [[]]
      throw error
    })
  const known = new Map(rows.map((row) => [row.id, row]))
  const edited = steps.find(({ id, hash }) => known.has(id) && known.get(id)?.hash !== hash)
  if (edited) {
    throw failure(
      edited,
      `Migration ${edited.id} was edited after it had been applied. Restore the file and put the change into a new migration (npm run db:generate).`,
    )
  }
  return steps.filter(({ id }) => !known.get(id)?.applied_at)
}
