import createError from '@fastify/error'
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

export type PageRequest = { cursor?: string | undefined; limit: number }

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

/**
 * Makes a page of rows that were read with `limit + 1`: an extra row means that a next page exists.
 * `position` returns the id by which the list is ordered.
 */
export function toPage<Row>(
  list: string,
  rows: Row[],
  limit: number,
  position: (row: Row) => number,
) {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return {
    items,
    nextCursor: last && rows.length > limit ? encodeCursor(list, position(last)) : null,
  }
}

const pages = { encodeCursor, decodeCursor, toPage }

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
