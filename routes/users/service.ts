import createError from '@fastify/error'
import anyAscii from 'any-ascii'
import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { createCounter } from '../../db/counter.ts'
import type { users as usersTable } from '../../db/schema/index.ts'
import { type Db, duplicateKey, type Tx } from '../../plugins/db.ts'
import { cleanText } from '../../plugins/text.ts'
import { createErasure } from './erasure.ts'
import { LIMITS, OwnUser, User, UserSummary } from './schemas.ts'

declare module 'fastify' {
  interface FastifyInstance {
    users: ReturnType<typeof createUsers>
  }
  interface EventPayloads {
    'user.signedUp': { userId: number }
    'user.updated': { userId: number }
    'user.deleted': { userId: number }
  }
}

export const AVATAR_SIZES = { small: 48, medium: 128, large: 400 } as const

const UserNotFound = createError('USER_NOT_FOUND', 'There is no such user.', 404)
const EmailTaken = createError('EMAIL_TAKEN', 'Another account uses this e-mail address.', 409)
const HandleTaken = createError('HANDLE_TAKEN', 'Another account has this handle.', 409)

type NewUser = {
  name: string
  email: string
  passwordHash: string
  profile?: string | undefined
  handle?: string | undefined
}
type Changes = Partial<Record<'name' | 'profile' | 'handle', string>>
type SummaryRow = { id: number; handle: string | null; name: string; avatarKey: string | null }

function createUsers(app: FastifyInstance) {
  const { users, follows, blocks, mutes } = app.tables
  const counts = createCounter('user', ['followers', 'followees', 'tweets'], app.transaction)
  app.addHook('onClose', async () => counts.close())

  /** Without a handle it makes one from the name. @throws EmailTaken, HandleTaken */
  async function create(input: NewUser, outer?: Tx) {
    const name = cleanText(input.name, { field: 'name', min: 1, max: LIMITS.name })
    const profile = cleanText(input.profile ?? '', { field: 'profile', max: LIMITS.profile })
    return app.transaction(async (tx) => {
      for (let attempt = 0; ; attempt++) {
        const handle = input.handle ?? handleFrom(name, attempt)
        const row = { ...input, name, profile, handle, email: input.email.toLowerCase() }
        try {
          const [{ insertId }] = await tx.insert(users).values(row)
          await app.events.emit(tx, 'user.signedUp', { userId: insertId })
          return insertId
        } catch (error) {
          if (duplicateKey(error) === 'users_email') throw new EmailTaken()
          if (duplicateKey(error) !== 'users_handle') throw error
          if (input.handle) throw new HandleTaken()
        }
      }
    }, outer)
  }

  /** @throws UserNotFound */
  const get = (id: number, viewerId?: number) => find(eq(users.id, id), viewerId)

  /** @throws UserNotFound */
  const getByHandle = (handle: string, viewerId?: number) =>
    find(eq(users.handle, handle), viewerId)

  async function find(condition: SQL, viewerId?: number) {
    const [row] = await app.db
      .select({ ...profileColumns(), ...relationColumns(viewerId) })
      .from(users)
      .where(and(condition, isNull(users.deletedAt)))
    if (!row) throw new UserNotFound()
    const { avatarKey: _, createdAt, ...user } = row
    return { ...user, ...present(row), createdAt: createdAt.toISOString() }
  }

  /** As `get`, with the e-mail address. */
  async function getOwn(id: number) {
    const [row] = await app.db.select({ email: users.email }).from(users).where(eq(users.id, id))
    return { ...(await get(id, id)), email: row?.email ?? '' }
  }

  const usersId = sql`${sql.identifier('users')}.${sql.identifier('id')}`

  const profileColumns = () => ({
    ...summary(users),
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

  /** @throws UserNotFound, HandleTaken */
  async function update(id: number, changes: Changes) {
    const { name, profile, handle } = changes
    const row = {
      ...(name !== undefined && {
        name: cleanText(name, { field: 'name', min: 1, max: LIMITS.name }),
      }),
      ...(profile !== undefined && {
        profile: cleanText(profile, { field: 'profile', max: LIMITS.profile }),
      }),
      ...(handle !== undefined && { handle }),
    }
    await app.transaction(async (tx) => {
      await assertExist(tx, [id])
      await tx
        .update(users)
        .set(row)
        .where(alive(id))
        .catch((error) => {
          throw duplicateKey(error) === 'users_handle' ? new HandleTaken() : error
        })
      await app.events.emit(tx, 'user.updated', { userId: id })
    })
  }

  const alive = (id: number) => and(eq(users.id, id), isNull(users.deletedAt))

  /** Sets or clears the picture; returns the key of the one before. @throws UserNotFound */
  async function setAvatar(id: number, avatarKey: string | null, outer?: Tx) {
    return app.transaction(async (tx) => {
      const [before] = await tx
        .select({ key: users.avatarKey })
        .from(users)
        .where(alive(id))
        .for('update')
      if (!before) throw new UserNotFound()
      await tx.update(users).set({ avatarKey }).where(eq(users.id, id))
      await app.events.emit(tx, 'user.updated', { userId: id })
      return before.key
    }, outer)
  }

  /** What logging in needs, or undefined when there is no such account. */
  async function credentials(by: { email: string } | { id: number }) {
    const condition = 'id' in by ? eq(users.id, by.id) : eq(users.email, by.email.toLowerCase())
    const [row] = await app.db
      .select({ id: users.id, passwordHash: users.passwordHash })
      .from(users)
      .where(and(condition, isNull(users.deletedAt)))
    return row
  }

  async function setPasswordHash(id: number, passwordHash: string) {
    await app.db.update(users).set({ passwordHash }).where(alive(id))
  }

  /** Hides the account at once and frees its names; a job then erases it. @throws UserNotFound */
  async function remove(id: number, outer?: Tx) {
    return app.transaction(async (tx) => {
      const gone = { deletedAt: sql`NOW(3)`, email: null, handle: null, passwordHash: '' }
      const [result] = await tx.update(users).set(gone).where(alive(id))
      if (result.affectedRows === 0) throw new UserNotFound()
      await app.events.emit(tx, 'user.deleted', { userId: id })
    }, outer)
  }

  /**
   * Call after inserting rows that point at these users: their foreign keys hold the users still,
   * so that a deletion at the same time comes wholly before or wholly after. @throws UserNotFound
   */
  async function assertExist(db: Db | Tx, ids: number[]) {
    const rows = await db
      .select({ id: users.id })
      .from(users)
      .where(and(inArray(users.id, ids), isNull(users.deletedAt)))
    if (rows.length < new Set(ids).size) throw new UserNotFound()
  }

  /** The columns that `present` needs, of `users` or an alias of it. */
  const summary = (table: typeof usersTable) => ({
    id: table.id,
    handle: table.handle,
    name: table.name,
    avatarKey: table.avatarKey,
  })

  /** A row as the API shows it: URLs for the key of the picture. */
  function present<Row extends SummaryRow>({ avatarKey, ...row }: Row) {
    return { id: row.id, handle: row.handle ?? '', name: row.name, avatar: avatarUrls(avatarKey) }
  }

  function avatarUrls(key: string | null) {
    if (!key) return null
    const url = (size: number) => app.s3.url(avatarObject(key, size))
    const { small, medium, large } = AVATAR_SIZES
    return { small: url(small), medium: url(medium), large: url(large) }
  }

  const avatarObject = (key: string, size: number) => `avatars/${key}/${size}.webp`

  return {
    create,
    get,
    getByHandle,
    getOwn,
    update,
    setAvatar,
    credentials,
    setPasswordHash,
    remove,
    assertExist,
    summary,
    present,
    avatarObject,
    avatarSizes: AVATAR_SIZES,
    counts,
    ...createErasure(app, counts),
  }
}

/** Latin letters for any script; random digits from the second attempt on, or where none is left. */
function handleFrom(name: string, attempt: number) {
  const ascii = anyAscii(name)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
  const stem = ascii.replaceAll(/^_+|_+$/g, '').slice(0, 20)
  const base = stem.length >= 3 ? stem : 'user'
  if (attempt === 0 && base === stem) return base
  return `${base}_${Math.floor(Math.random() * 10 ** Math.min(4 + attempt, 9))}`
}

export default fp(
  async (app) => {
    for (const schema of [UserSummary, User, OwnUser]) app.addSchema(schema)
    app.decorate('users', createUsers(app))
  },
  { name: 'users.service', dependencies: ['db', 'events', 's3'] },
)
