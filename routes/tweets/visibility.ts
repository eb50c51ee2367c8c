import type { Db, FastifyInstance, Tx } from 'birdhouse'
import {
  type AnyColumn,
  and,
  asc,
  desc,
  eq,
  exists,
  inArray,
  isNull,
  type SQL,
  sql,
} from 'drizzle-orm'
import type { MySqlSelect, MySqlTable } from 'drizzle-orm/mysql-core'
import { createListFilters } from './filters.ts'
import { createVisibilityRules, MARKS, type Row } from './visibility-rules.ts'

type Selection = {
  viewerId?: number | undefined
  /** The kind of the list; unset for single tweets, which are not filtered. */
  list?: string | undefined
  where?: SQL | undefined
  /** True to leave out authors whom the viewer mutes. */
  unmuted?: boolean
  limit?: number
  /** True for the oldest first. */
  ascending?: boolean | undefined
  /** True when only the ids are wanted, not what the viewer sees of the tweets. */
  unmarked?: boolean
}
/** A table whose rows point at tweets and give a list its order, such as likes. */
export type ListSource = { table: MySqlTable; tweetId: AnyColumn; position: AnyColumn }

/** The first step of reading selects the rows that a viewer may see. */
export function createVisibility(app: FastifyInstance) {
  const { tweets } = app.tables
  const rules = createVisibilityRules(app)
  const filters = createListFilters(app)

  /**
   * Rows that the viewer may see, newest first: the author exists and is not suspended, no block separates the
   * two, the viewer follows the author if the author is limited, and the same holds for a retweeted original. Add `notDeleted` to exclude tombstones.
   */
  function visible(selection: Selection, db: Db | Tx = app.db) {
    const { viewerId, unmarked } = selection
    const query = db
      .select(rules.columnsFor(unmarked ? undefined : viewerId))
      .from(tweets)
      .$dynamic()
    const order = selection.ascending ? asc : desc
    return withRules(query, selection).orderBy(order(tweets.id))
  }

  /** Like `visible`, in the order of the rows that point at the tweets; without tombstones. */
  function visibleBy(source: ListSource, { where, ...selection }: Selection, db: Db | Tx = app.db) {
    const position = sql`${source.position}`.mapWith(Number)
    const query = db
      .select({ ...rules.columnsFor(selection.viewerId), position })
      .from(source.table)
      .innerJoin(tweets, eq(tweets.id, source.tweetId))
      .$dynamic()
    const order = selection.ascending ? asc : desc
    return withRules(query, { ...selection, where: and(where, isNull(tweets.deletedAt)) }).orderBy(
      order(source.position),
    )
  }

  /**
   * The newest of these candidates (a SELECT of `id`). Those that belong on the viewer's home timeline
   * have the mark `visible`. What has been deleted, and suspended and limited authors, are left to the reading of
   * rows, which checks that anyway. Viewers without blocks and mutes (`hasRelations`) save half of the joins.
   */
  function onTimeline(db: Db | Tx, candidates: SQL, viewerId: number, hasRelations: boolean) {
    const unrelated = hasRelations ? rules.isUnrelated : undefined
    const shown = and(unrelated, rules.isOwnOrFollowed(viewerId))
    const reactions = hasRelations ? rules.marks : rules.reactions
    const query = db
      .select(rules.columns(sql`${reactions} + ${rules.bit(MARKS.visible, shown)}`))
      .from(sql`(${candidates}) AS candidates`)
      .innerJoin(tweets, sql`${tweets.id} = candidates.id`)
      .$dynamic()
    const all = rules.withReactions(rules.withOriginal(query), viewerId)
    if (hasRelations) rules.withMutes(rules.withBlocks(all, viewerId), viewerId)
    return rules.withFollows(all, viewerId).orderBy(desc(tweets.id))
  }

  function withRules<Query extends MySqlSelect>(query: Query, selection: Selection) {
    const { viewerId, list, where, limit = 1, unmuted, unmarked } = selection
    const rule = and(rules.mayBeSeen(viewerId), unmuted ? rules.notMuted : undefined)
    const all = rules.withAuthors(rules.withOriginal(query))
    if (viewerId !== undefined) {
      if (!unmarked) rules.withReactions(all, viewerId)
      rules.withBlocks(all, viewerId, !unmarked)
      rules.withLimits(all, viewerId)
    }
    return (
      (unmuted && viewerId !== undefined ? rules.withMutes(all, viewerId) : all)
        // The list's own condition first: MariaDB checks in this order.
        .where(and(where, rule, filters.condition(list, viewerId)))
        .limit(limit)
    )
  }

  /** A condition for many viewers at once: this list shows the tweet to the viewer, both ids being columns. */
  function shows(list: string, tweetId: AnyColumn, viewerId: AnyColumn) {
    return exists(
      visible({
        // The rules use the viewer in SQL only, where a column works like a value.
        viewerId: viewerId as unknown as number,
        list,
        where: and(eq(tweets.id, tweetId), isNull(tweets.deletedAt)),
        unmuted: true,
        unmarked: true,
      }),
    )
  }

  /** Selects the tweets among these ids that the viewer may see, tombstones included. */
  const visibleById = app.prepareForIds((ids, db) => {
    const viewerId = app.placeholder('viewerId')
    return visible({ viewerId, where: inArray(tweets.id, ids), limit: ids.length }, db)
  })

  /** Returns those of these rows that pass the list's filters. */
  async function passFilters(rows: Row[], list: string, viewerId: number) {
    const condition = await filters.applying(list, viewerId)
    if (!condition || rows.length === 0) return rows
    const ids = rows.map(({ id }) => id)
    const where = and(inArray(tweets.id, ids), condition)
    const found = await app.db.select({ id: tweets.id }).from(tweets).where(where)
    const passed = new Set(found.map(({ id }) => id))
    return rows.filter(({ id }) => passed.has(id))
  }

  return {
    visible,
    visibleBy,
    visibleById,
    onTimeline,
    shows,
    passFilters,
    addFilter: filters.add,
    notDeleted: isNull(tweets.deletedAt),
  }
}

export type TweetVisibility = ReturnType<typeof createVisibility>
