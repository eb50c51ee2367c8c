import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { inTime } from './in-time.ts'

declare module 'fastify' {
  interface FastifyInstance {
    exports: ReturnType<typeof createExports>
  }
}

export type ExportedFile = {
  id: number
  /** Path in the archive, below the export's name. */
  path: string
  /** The key of the object in the bucket. */
  key: string
}
/**
 * Returns at most `limit` of the account's rows whose `id` is above `after`, in the order of `id`, or rows without
 * `id` all at once.
 */
export type ExportReader<Row> = (userId: number, after: number, limit: number) => Promise<Row[]>

type Section = { rows: ExportReader<object>; files?: ExportReader<ExportedFile> | undefined }

const NAME = /^[a-z][a-z0-9-]*$/
/** Rows in memory at once. */
const PAGE = 500
/** Milliseconds of one page. */
const PAGE_LIMIT = 30_000

/** The data that features hold about an account, for the copy that its owner can ask for (GDPR, articles 15 and 20). */
function createExports({ features }: FastifyInstance) {
  const sections = new Map<string, Section>()

  /**
   * Adds the file `<name>.json` to each archive, and the objects that `files` names. Leave out secrets, and what
   * others wrote to others.
   * @throws Error when the name is taken or is no lower-case name
   */
  function add(name: string, rows: ExportReader<object>, files?: ExportReader<ExportedFile>) {
    if (!NAME.test(name))
      throw new Error(`The export ${name} must be lower-case letters, digits and dashes.`)
    if (sections.has(name)) throw new Error(`The export ${name} is taken; choose another name.`)
    sections.set(name, {
      rows: features.own(rows, PAGE_LIMIT, 'jobs'),
      files: files && features.own(files, PAGE_LIMIT, 'jobs'),
    })
  }

  /** Yields the account's rows one by one, with at most a page in memory. */
  async function* walk<Row extends object>(read: ExportReader<Row>, userId: number) {
    for (let after: number | undefined = 0; after !== undefined; ) {
      const rows: Row[] = await inTime(read(userId, after, PAGE), PAGE_LIMIT)
      yield* rows
      const last: number | undefined = rows.length < PAGE ? undefined : idOf(rows.at(-1))
      if (last !== undefined && last <= after)
        throw new Error('The rows of an export are not in the order of their ids.')
      after = last
    }
  }

  return { add, walk, all: () => [...sections] }
}

function idOf(row: object | undefined) {
  return row && 'id' in row ? Number(row.id) : undefined
}

export default fp(
  async (app) => {
    app.decorate('exports', createExports(app))
  },
  { name: 'exports', dependencies: ['features'] },
)
