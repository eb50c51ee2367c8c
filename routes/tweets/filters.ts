import type { FastifyInstance } from 'birdhouse'
import { and, is, SQL } from 'drizzle-orm'

type Context = { list: string; viewerId?: number | undefined }
/** A condition on `app.tables.tweets` for a list, or nothing to leave that list as it is. */
export type ListFilter = (context: Context) => SQL | undefined
export type FilterOptions = {
  /** False if the filter would pass every tweet. Saves a query, so it must be cheap. */
  applies?: (viewerId: number) => Promise<boolean>
}

/** Milliseconds for the statements of an extension's `applies`. */
const APPLIES_LIMIT = 2_000

/** Conditions by which features leave tweets out of lists. Single tweets are not filtered. */
export function createListFilters(app: FastifyInstance) {
  const filters: ({ filter: ListFilter } & FilterOptions)[] = []

  /** Adds a filter that is called for every list of tweets and decides by the list's kind. */
  function add(filter: ListFilter, { applies }: FilterOptions = {}) {
    const owned = applies && { applies: app.features.own(applies, APPLIES_LIMIT) }
    filters.push({ filter, ...owned })
  }

  function condition(list: string | undefined, viewerId: number | undefined, some = filters) {
    if (list === undefined) return undefined
    const conditions = some.map(({ filter }) => filter({ list, viewerId }))
    // The promise of an async filter would silently empty every list.
    const wrong = conditions.find((one) => one !== undefined && !is(one, SQL))
    if (wrong) throw new TypeError('A filter of tweets must return SQL or undefined.')
    return and(...conditions)
  }

  /** Like `condition`, without filters whose `applies` returns false. */
  async function applying(list: string, viewerId: number) {
    const asked = await Promise.all(filters.map(({ applies }) => applies?.(viewerId) ?? true))
    return condition(
      list,
      viewerId,
      filters.filter((_, n) => asked[n]),
    )
  }

  return { add, condition, applying }
}
