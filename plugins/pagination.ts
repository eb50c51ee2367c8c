import createError from '@fastify/error'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { Type } from 'typebox'
import { nullable } from './schemas.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Keyset pagination: what a list takes, answers and hands out as cursor. */
    pages: typeof pages
  }
  interface FastifyReply {
    /** Sends a page and says in the Link header where the next one is (RFC 8288). */
    sendPage: <Page extends { nextCursor: string | null }>(page: Page) => Page
  }
}

const InvalidCursor = createError(
  'INVALID_CURSOR',
  'The cursor is not one this list has handed out; start without it.',
  400,
)

export const Cursor = Type.String({
  maxLength: 200,
  description: 'The `nextCursor` of the page before.',
})

export const PageQuery = Type.Object(
  {
    cursor: Type.Optional(Cursor),
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  },
  { additionalProperties: false },
)

export const PageOf = <T extends Type.TSchema>(item: T) =>
  Type.Object({
    items: Type.Array(item),
    nextCursor: nullable(Type.String({ description: 'Null on the last page.' })),
  })

export type PageRequest = { cursor?: string | undefined; limit: number }

/** `list` names the list, so that a cursor of another one is refused. */
export const encodeCursor = (list: string, id: number) =>
  Buffer.from(`${list}:${id}`).toString('base64url')

/** The id below which the page starts, or undefined for the first page. @throws InvalidCursor */
export function decodeCursor(list: string, cursor: string | undefined) {
  if (cursor === undefined) return undefined
  const [, digits] = /:(\d{1,16})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  const id = Number(digits)
  // Decoding overlooks what is no base64url, so only what encodes to the very same is taken.
  if (!Number.isSafeInteger(id) || encodeCursor(list, id) !== cursor) throw new InvalidCursor()
  return id
}

/**
 * Makes a page of rows that were read with `limit + 1`: the extra row tells that there are more.
 * `position` is the id the list is ordered by.
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

const pages = { Cursor, PageQuery, PageOf, encodeCursor, decodeCursor, toPage }

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
