import { and, is, SQL } from 'drizzle-orm'

type Context = { list: string; viewerId?: number | undefined }
/** A condition on `app.tables.tweets` for a list, or nothing to leave that list as it is. */
export type ListFilter = (context: Context) => SQL | undefined

/** What features leave out of lists of tweets; single tweets are not filtered. */
export function createListFilters() {
  const filters: ListFilter[] = []

  /** Adds a filter to every list of tweets; each says by the list's kind where it applies. */
  const add = (filter: ListFilter) => void filters.push(filter)

  function condition(list: string | undefined, viewerId: number | undefined) {
    if (list === undefined) return undefined
    const conditions = filters.map((filter) => filter({ list, viewerId }))
    // A promise, of an async filter, would quietly empty every list.
    const wrong = conditions.find((one) => one !== undefined && !is(one, SQL))
    if (wrong) throw new TypeError('A filter of tweets must return SQL or undefined.')
    return and(...conditions)
  }

  return { add, condition }
}
