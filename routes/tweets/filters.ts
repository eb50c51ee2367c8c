import { and, type SQL } from 'drizzle-orm'

type Context = { list: string; viewerId?: number | undefined }
/** A condition on `app.tables.tweets` for a list, or nothing to leave that list as it is. */
export type ListFilter = (context: Context) => SQL | undefined

/** What features leave out of lists of tweets; single tweets are not filtered. */
export function createListFilters() {
  const filters: ListFilter[] = []

  /** Adds a filter to every list of tweets; each says by the list's kind where it applies. */
  const add = (filter: ListFilter) => void filters.push(filter)

  const condition = (list: string | undefined, viewerId: number | undefined) =>
    list === undefined ? undefined : and(...filters.map((filter) => filter({ list, viewerId })))

  return { add, condition }
}
