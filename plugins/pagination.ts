import createError from '@fastify/error'
import { type AnyColumn, and, asc, desc, gt, lt, type SQL } from 'drizzle-orm'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    pages: typeof pages
  }
  interface FastifyReply {
    /** Returns the page and sets the header Link to the next page's URL (RFC 8288). */
    sendPage: <Page extends { nextCursor: string | null }>(page: Page) => Page
  }
}

const InvalidCursor = createError(
  'INVALID_CURSOR',
  'This list did not issue the cursor; request the first page without a cursor.',
  400,
)

/**
 * `below` and `above` are positions, for an API whose clients name ids instead of cursors: the page has items between
 * them. With `ascending` it has those next to `above`; all pages are newest first.
 */
export type PageRequest = {
  cursor?: string | undefined
  limit: number
  below?: number | undefined
  above?: number | undefined
  ascending?: boolean | undefined
}

/** Encodes the list's name with the id, so that `decodeCursor` refuses cursors of other lists. */
export const encodeCursor = (list: string, id: number) =>
  Buffer.from(`${list}:${id}`).toString('base64url')

/** Returns the id below which the page starts, or undefined for the first page. @throws InvalidCursor */
export function decodeCursor(list: string, cursor: string | undefined) {
  if (cursor === undefined) return undefined
  const [, digits] = /:(\d{1,16})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  const id = Number(digits)
  // Buffer ignores characters outside base64url, so the cursor must equal its own re-encoding.
  if (!Number.isSafeInteger(id) || encodeCursor(list, id) !== cursor) throw new InvalidCursor()
  return id
}

/** The condition and the order of a page. @throws InvalidCursor */
function range(list: string, position: AnyColumn, request: PageRequest) {
  const below = decodeCursor(list, request.cursor) ?? request.below
  const { above, ascending } = request
  return {
    where: and(
      below === undefined ? undefined : lt(position, below),
      above === undefined ? undefined : gt(position, above),
    ),
    orderBy: ascending ? asc(position) : desc(position),
  }
}

/** The position that a cursor names, for an API whose clients name ids. */
export const positionOf = (cursor: string) =>
  Number(/:(\d{1,16})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1])

/**
 * Makes a page of rows that were read with `limit + 1`: an extra row means that a next page exists.
 * `position` returns the id by which the list is ordered. `newest` is the position of the first item.
 */
export function toPage<Row>(
  list: string,
  rows: Row[],
  limit: number,
  position: (row: Row) => number,
  { ascending }: Pick<PageRequest, 'ascending'> = {},
) {
  const some = rows.slice(0, limit)
  const items = ascending ? some.reverse() : some
  const last = items.at(-1)
  return {
    items,
    nextCursor:
      last && (ascending || rows.length > limit) ? encodeCursor(list, position(last)) : null,
    newest: items[0] && position(items[0]),
  }
}

/** A list by its name and the id that orders it; the newest item is first unless `oldestFirst`. */
type List = { name: string; id: AnyColumn; oldestFirst?: boolean }

/**
 * Reads one page of a list. `select` adds the condition, the order and the limit to its query.
 * @throws InvalidCursor
 */
async function read<Row extends { id: number }>(
  { name, id, oldestFirst = false }: List,
  { cursor, limit }: PageRequest,
  select: (page: { where: SQL | undefined; orderBy: SQL; limit: number }) => PromiseLike<Row[]>,
) {
  const from = decodeCursor(name, cursor)
  const rows = await select({
    where: from === undefined ? undefined : (oldestFirst ? gt : lt)(id, from),
    orderBy: (oldestFirst ? asc : desc)(id),
    limit: limit + 1,
  })
  const { items, nextCursor } = toPage(name, rows, limit, (row) => row.id)
  return { items, nextCursor }
}

const pages = { encodeCursor, decodeCursor, positionOf, range, toPage, read }

export default fp(
  async (app) => {
    app.decorate('pages', pages)
    app.decorateReply('sendPage', function (this: FastifyReply, page) {
      if (page.nextCursor !== null) {
        const url = new URL(this.request.url, 'http://relative')
        url.searchParams.set('cursor', page.nextCursor)
        this.header('link', `<${url.pathname}${url.search}>; rel="next"`)
      }
      return page
    })
  },
  { name: 'pagination' },
)
