import type { Counter, Db, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import { type createPictures, UserNotFound } from './pictures.ts'
import type { users as usersTable } from './tables.ts'

/** Summaries in the cache of a process, about 500 bytes each. */
const SUMMARIES = 20_000

type Counts = Counter<'followers' | 'followees' | 'tweets'>
type SummaryRow = { id: number; handle: string | null; name: string; avatarKey: string | null }
type CachedRow = SummaryRow & { hiddenAt: Date | null; limitedAt: Date | null }

export function createUserReading(
  app: FastifyInstance,
  counts: Counts,
  pictures: ReturnType<typeof createPictures>,
) {
  const { users, follows, blocks, mutes } = app.tables

  /** @throws UserNotFound */
  const get = async (id: number, viewerId?: number) =>
    filled('User', await find(eq(users.id, id), viewerId), viewerId)

  /** @throws UserNotFound */
  const getByHandle = async (handle: string, viewerId?: number) =>
    filled('User', await find(eq(users.handle, handle), viewerId), viewerId)

  async function filled<Item extends { id: number }>(name: string, user: Item, viewerId?: number) {
    await app.resources.fill(name, [user], { viewerId })
    return user
  }

  async function find(condition: SQL, viewerId?: number) {
    const [user] = await findAll(condition, viewerId)
    if (!user) throw new UserNotFound()
    return user
  }

  async function findAll(condition: SQL, viewerId?: number) {
    const rows = await app.replicas.read((db) =>
      db
        .select({ ...profileColumns(), ...relationColumns(viewerId) })
        .from(users)
        .where(and(condition, isNull(users.hiddenAt), notBlockedBy(viewerId))),
    )
    return rows.map((row) => {
      const { avatarKey: _, headerKey, createdAt, ...user } = row
      const header = pictures.header.urls(headerKey)
      return { ...user, ...present(row), header, createdAt: createdAt.toISOString() }
    })
  }

  /** These users with all that `get` has, by id, in one query; without those who block the viewer. */
  async function profilesOf(ids: number[], viewerId?: number) {
    const found = ids.length > 0 ? await findAll(inArray(users.id, ids), viewerId) : []
    await app.resources.fill('User', found, { viewerId })
    return new Map(found.map((user) => [user.id, user]))
  }

  /** Returns the account as its owner sees it, with the e-mail address. @throws UserNotFound */
  async function getOwn(id: number) {
    const [row] = await app.db.select({ email: users.email }).from(users).where(eq(users.id, id))
    const user = await find(eq(users.id, id), id)
    return filled('OwnUser', { ...user, email: row?.email ?? '' }, id)
  }

  const usersId = sql`${sql.identifier('users')}.${sql.identifier('id')}`

  const profileColumns = () => ({
    ...summary(users),
    headerKey: users.headerKey,
    profile: users.profile,
    createdAt: users.createdAt,
    followerCount: counts.read('followers', usersId),
    followeeCount: counts.read('followees', usersId),
    tweetCount: counts.read('tweets', usersId),
  })

  function relationColumns(viewerId: number | undefined) {
    if (viewerId === undefined) return {}
    const related = (condition: SQL) => sql<boolean>`EXISTS (${condition})`.mapWith(Boolean)
    return {
      following: related(
        sql`SELECT 1 FROM ${follows} WHERE follower_id = ${viewerId} AND followee_id = ${usersId}`,
      ),
      followedBy: related(
        sql`SELECT 1 FROM ${follows} WHERE follower_id = ${usersId} AND followee_id = ${viewerId}`,
      ),
      blocking: related(
        sql`SELECT 1 FROM ${blocks} WHERE blocker_id = ${viewerId} AND blocked_id = ${usersId}`,
      ),
      muting: related(
        sql`SELECT 1 FROM ${mutes} WHERE muter_id = ${viewerId} AND muted_id = ${usersId}`,
      ),
    }
  }

  /** A user sees the accounts that the user blocks, but not those that block the user. */
  const notBlockedBy = (viewerId: number | undefined) =>
    viewerId === undefined
      ? undefined
      : sql`NOT EXISTS (SELECT 1 FROM ${blocks} WHERE blocker_id = ${usersId} AND blocked_id = ${viewerId})`

  /** Returns undefined when there is no such account; it may be suspended or wait for approval. */
  async function credentials(
    by: { email: string } | { handle: string } | { id: number },
    db: Db | Tx = app.db,
  ) {
    const condition =
      'id' in by
        ? eq(users.id, by.id)
        : 'handle' in by
          ? eq(users.handle, by.handle)
          : emailIs(by.email)
    const [row] = await db
      .select({
        id: users.id,
        email: users.email,
        passwordHash: users.passwordHash,
        suspendedAt: users.suspendedAt,
        waitingSince: users.waitingSince,
      })
      .from(users)
      .where(and(condition, isNull(users.deletedAt)))
    return row
  }

  /** Compares bytes too, because MySQL ignores trailing spaces when it compares text. */
  function emailIs(address: string) {
    const email = address.toLowerCase()
    return and(eq(users.email, email), sql`CAST(${users.email} AS BINARY) = ${email}`)
  }

  /**
   * Call this after inserting rows that reference these users: the foreign keys lock the users, so a
   * concurrent deletion happens either before the insert or after the commit. @throws UserNotFound
   */
  async function assertExist(db: Db | Tx, ids: number[]) {
    const rows = await readAlive(ids, {}, db)
    if (rows.length < new Set(ids).size) throw new UserNotFound()
  }

  const readAlive = app.prepareForIds((ids, db) =>
    db
      .select({ id: users.id })
      .from(users)
      .where(and(inArray(users.id, ids), isNull(users.hiddenAt))),
  )

  /** Columns of `users`, or of an alias, that `present` needs. */
  const summary = (table: typeof usersTable) => ({
    id: table.id,
    handle: table.handle,
    name: table.name,
    avatarKey: table.avatarKey,
  })

  /** Turns a row into a `UserSummary`, with URLs in place of the picture's key. */
  const present = <Row extends SummaryRow>({ avatarKey, ...row }: Row) => ({
    id: row.id,
    handle: row.handle ?? '',
    name: row.name,
    avatar: pictures.avatar.urls(avatarKey),
  })

  /** Columns of `users` that a cached summary is made of. */
  const cachedColumns = (table: typeof usersTable) => ({
    ...summary(table),
    hiddenAt: table.hiddenAt,
    limitedAt: table.limitedAt,
  })

  /** Cached summaries of limited accounts, since no answer says that an account is limited. */
  const limited = new WeakSet<object>()

  const readSummaries = app.prepareForIds((ids, db) =>
    db.select(cachedColumns(users)).from(users).where(inArray(users.id, ids)),
  )

  /** Summaries by user id, for authors of tweets and the like; deleted and suspended accounts are left out. */
  const summaries = app.cache.byId('user', {
    max: SUMMARIES,
    load: async (ids, db) => {
      const rows = await readSummaries(ids, {}, db)
      const shown = rows.filter(({ hiddenAt }) => hiddenAt === null)
      return new Map(shown.map((row) => [row.id, toCached(row)]))
    },
  })

  /** Returns these users as other answers show them, by id, without deleted and suspended accounts. */
  async function summariesOf(ids: Iterable<number>, viewerId?: number, db?: Db | Tx) {
    if (!db) await app.cache.sync()
    const found = await summaries.get(ids, db)
    const people = Array.from(found.values(), (person) => ({ ...person }))
    await app.resources.fill('UserSummary', people, { viewerId, db: db ?? app.db, synced: true })
    return new Map(people.map((person) => [person.id, person]))
  }

  /** Runs a query that reads authors along with its rows, and caches these authors. */
  async function readingAlong<R extends { author: CachedRow | null }>(
    query: () => Promise<R[]>,
    db: Db | Tx,
  ) {
    if (db !== app.db) return query()
    const keep = summaries.alongside()
    const authors = new Map<number, CachedRow>()
    try {
      const rows = await query()
      for (const { author } of rows) if (author) authors.set(author.id, author)
      return rows
    } finally {
      keep(authors.keys(), (id) => {
        const author = authors.get(id)
        return author && author.hiddenAt === null ? toCached(author) : undefined
      })
    }
  }

  function toCached(row: CachedRow) {
    const person = present(row)
    Object.freeze(person.avatar)
    if (row.limitedAt) limited.add(person)
    return Object.freeze(person)
  }

  return {
    get,
    getByHandle,
    getOwn,
    profilesOf,
    credentials,
    assertExist,
    summary,
    present,
    cachedColumns,
    /** True for the cached summary of a limited account. */
    isLimited: (person: object) => limited.has(person),
    summaries,
    summariesOf,
    readingAlong,
  }
}
