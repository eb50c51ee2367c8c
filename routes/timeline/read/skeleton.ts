import type { FastifyInstance, PageRequest } from 'birdhouse'
import { and, desc, lte, max, sql } from 'drizzle-orm'
import { SIZES } from '../sizes.ts'
import { LIST } from './readers.ts'
import { createTimelineRows, type Loaded, type OnVisit, type Row } from './rows.ts'

/**
 * Seconds that `since` looks further back: ids are assigned at INSERT but visible from COMMIT on,
 * so a row may appear below a row that was read before. No transaction lasts this long.
 */
const LATE = 60
/** Rows beyond the limit, and rows of a further read, since repeats are not shown. */
const SPARE = { first: 4, more: 100 }

/** Ids of the first window when a page is read upwards, and rows of a window, at most. */
const FIRST_WINDOW = 256
const WINDOW_ROWS = 201

export type TimelineRequest = PageRequest & { since?: string | undefined }

/** Selects the rows that a page shows; hydration follows. */
export function createSkeleton(app: FastifyInstance, onVisit: OnVisit, sizes = SIZES) {
  const { tweets } = app.tables
  const readRows = createTimelineRows(app, onVisit, sizes)

  /**
   * Walks down from the cursor by id until the page is full or the rows end, and shows each
   * original once. The next cursor is the last row walked. @throws InvalidCursor
   */
  return async function skeleton(readerId: number, request: TimelineRequest) {
    const { cursor, since, limit } = request
    if (request.ascending) return climb(readerId, request)
    const start = app.pages.decodeCursor(LIST, cursor) ?? request.below
    const sinceId = app.pages.decodeCursor(LIST, since)
    const above = request.above ?? (await floorOf(sinceId))
    const loaded: Loaded = { found: new Map(), people: new Map() }
    const shown = new Map<number, Row>()
    let last: Row | undefined
    let more = true
    while (more && shown.size < limit) {
      const chunk = last ? SPARE.more : limit + SPARE.first
      // One extra row shows whether more rows follow.
      const range = { below: last?.id ?? start, above, limit: chunk + 1 }
      const found = await readRows(readerId, range, loaded)
      let walked = 0
      for (const row of found.slice(0, chunk)) {
        if (shown.size === limit) break
        const key = row.originalId ?? row.id
        if (!shown.has(key)) shown.set(key, row)
        last = row
        walked++
      }
      more = found.length > walked
    }
    const rows = [...shown.values()]
    return {
      rows,
      loaded,
      nextCursor: more && last ? app.pages.encodeCursor(LIST, last.id) : null,
      newest: rows[0]?.id,
      sinceCursor: app.pages.encodeCursor(LIST, rows[0]?.id ?? start ?? sinceId ?? 0),
    }
  }

  /**
   * The rows next to `above`, in windows of ids: rows can only be read from the top of a window down, so a window with
   * too many rows is read again with fewer ids.
   */
  async function climb(readerId: number, { above: start = 0, below, limit }: TimelineRequest) {
    const loaded: Loaded = { found: new Map(), people: new Map() }
    const shown = new Map<number, Row>()
    const [row] = await app.db.select({ newest: max(tweets.id) }).from(tweets)
    const end = Math.min(below ?? Number.MAX_SAFE_INTEGER, (row?.newest ?? 0) + 1)
    let [above, width] = [start, FIRST_WINDOW]
    while (above + 1 < end && shown.size < limit) {
      const top = Math.min(above + 1 + width, end)
      const found = await readRows(readerId, { below: top, above, limit: WINDOW_ROWS }, loaded)
      if (found.length === WINDOW_ROWS && width > 1) {
        width = Math.ceil(width / 4)
        continue
      }
      for (const row of found.toReversed()) {
        const key = row.originalId ?? row.id
        if (shown.size < limit && !shown.has(key)) shown.set(key, row)
      }
      above = top - 1
      width *= 4
    }
    const rows = [...shown.values()].reverse()
    const cursor = (id: number) => app.pages.encodeCursor(LIST, id)
    const last = rows.at(-1)
    const cursors = { nextCursor: last ? cursor(last.id) : null, newest: rows[0]?.id }
    return { rows, loaded, ...cursors, sinceCursor: cursor(rows[0]?.id ?? start) }
  }

  /** The id above which rows count as later than `since`, late commits included. */
  async function floorOf(since: number | undefined) {
    if (!since) return 0
    const upTo = lte(tweets.id, since)
    const newest = app.db
      .select({ at: tweets.createdAt })
      .from(tweets)
      .where(upTo)
      .orderBy(desc(tweets.id))
      .limit(1)
    const settled = sql`${tweets.createdAt} < (${newest}) - INTERVAL ${LATE} SECOND`
    const [row] = await app.db
      .select({ id: tweets.id })
      .from(tweets)
      .where(and(upTo, settled))
      .orderBy(desc(tweets.id))
      .limit(1)
    return row?.id ?? 0
  }
}
