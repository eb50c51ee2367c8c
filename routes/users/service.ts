import createError from '@fastify/error'
import anyAscii from 'any-ascii'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { ACCOUNT_LIMITS } from 'birdhouse/schemas'
import { and, eq, isNull, sql } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { createErasure } from './erasure.ts'
import { addExports } from './exports.ts'
import { createPictures, UserNotFound } from './pictures.ts'
import { createUserReading } from './reading.ts'
import { createReserved } from './reserved.ts'
import { createRestingHandles } from './resting-handles.ts'
import { OwnUser, User, UserSummary } from './schemas.ts'
import { createStates } from './states.ts'

declare module 'fastify' {
  interface FastifyInstance {
    users: ReturnType<typeof createUsers>
  }
  interface CacheTopics {
    user: 'user'
  }
  interface EventPayloads {
    'user.signedUp': { userId: number }
    'user.updated': { userId: number }
    'user.deleted': { userId: number }
  }
  interface JobPayloads {
    'users.erase': { userId: number }
    'users.purgeHandles': object
  }
}

const EmailTaken = createError(
  'EMAIL_TAKEN',
  'Another account uses this e-mail address; use another address, or log in.',
  409,
)
const HandleTaken = createError(
  'HANDLE_TAKEN',
  'Another account has this handle, or had it in the last 30 days; choose another handle.',
  409,
)

/** Most random digits at the end of a derived handle. */
const HANDLE_DIGITS = 9

type NewUser = {
  name: string
  email: string
  passwordHash: string
  profile?: string | undefined
  handle?: string | undefined
}
type Changes = Partial<Record<'name' | 'profile' | 'handle', string>>

function createUsers(app: FastifyInstance) {
  const { users } = app.tables
  const counts = app.createCounter('user', ['followers', 'followees', 'tweets'])
  const pictures = createPictures(app)
  const isReserved = createReserved(app.config.users.RESERVED_HANDLES)
  const resting = createRestingHandles(app)
  const reading = createUserReading(app, counts, pictures)
  const states = createStates(app)

  app.cache.invalidateOn('user', {
    'user.signedUp': ({ userId }) => [userId],
    'user.updated': ({ userId }) => [userId],
    'user.deleted': ({ userId }) => [userId],
  })

  const toName = (name: string) => app.cleanName(name, { field: 'name', max: ACCOUNT_LIMITS.name })
  const toProfile = (profile: string) =>
    app.cleanText(profile, { field: 'profile', max: ACCOUNT_LIMITS.profile })

  function assertFree(handle: string | undefined) {
    if (handle !== undefined && isReserved(handle))
      throw app.errors.invalidField('handle', 'is reserved; choose another handle')
  }

  /**
   * Creates an account and returns its id. Derives the handle from the name when none is given.
   * @throws EmailTaken, HandleTaken, 400 that names the field
   */
  async function create(input: NewUser, outer?: Tx) {
    const name = toName(input.name)
    const profile = toProfile(input.profile ?? '')
    assertFree(input.handle)
    return app.transaction(async (tx) => {
      for (let attempt = 0; ; attempt++) {
        const handle = input.handle ?? handleFrom(name, attempt)
        if (isReserved(handle)) continue
        const row = { ...input, name, profile, handle, email: input.email.toLowerCase() }
        try {
          const [{ insertId }] = await tx.insert(users).values(row)
          if (await resting.isResting(tx, handle, insertId)) {
            if (input.handle) throw new HandleTaken()
            await tx.delete(users).where(eq(users.id, insertId))
            continue
          }
          await app.events.emit(tx, 'user.signedUp', { userId: insertId })
          return insertId
        } catch (error) {
          if (app.errors.duplicateKey(error) === 'users_email') throw new EmailTaken()
          if (app.errors.duplicateKey(error) !== 'users_handle') throw error
          if (input.handle) throw new HandleTaken()
        }
      }
    }, outer)
  }

  /** @throws UserNotFound, HandleTaken, 400 that names the field */
  async function update(id: number, changes: Changes, outer?: Tx) {
    const { name, profile, handle } = changes
    if (!(await hasHandle(id, handle))) assertFree(handle)
    const row = {
      ...(name !== undefined && { name: toName(name) }),
      ...(profile !== undefined && { profile: toProfile(profile) }),
      ...(handle !== undefined && { handle }),
    }
    await app.transaction(async (tx) => {
      const old = handle === undefined ? undefined : await handleOf(tx, id)
      const updating = tx.update(users).set(row).where(alive(id))
      const [result] = await updating.catch((error) => {
        throw app.errors.duplicateKey(error) === 'users_handle' ? new HandleTaken() : error
      })
      if (result.affectedRows === 0) throw new UserNotFound()
      if (handle !== undefined) app.securityLog('user_updated', { userId: id, field: 'handle' }, tx)
      if (old && handle && old !== handle) await changeHandle(tx, id, old, handle)
      await app.events.emit(tx, 'user.updated', { userId: id })
    }, outer)
  }

  /** Locks the account, so that of two simultaneous changes the second sees the handle of the first. */
  async function handleOf(tx: Tx, id: number) {
    const [row] = await tx
      .select({ handle: users.handle })
      .from(users)
      .where(alive(id))
      .for('update')
    return row?.handle
  }

  /** @throws HandleTaken */
  async function changeHandle(tx: Tx, id: number, old: string, handle: string) {
    if (await resting.isResting(tx, handle, id)) throw new HandleTaken()
    await resting.wake(tx, handle)
    await resting.rest(tx, old, id)
  }

  /** An account may keep a handle that was reserved later. */
  async function hasHandle(id: number, handle: string | undefined) {
    if (handle === undefined || !isReserved(handle)) return false
    const own = and(alive(id), eq(users.handle, handle))
    return (await app.db.select({ id: users.id }).from(users).where(own)).length > 0
  }

  const alive = (id: number) => and(eq(users.id, id), isNull(users.deletedAt))

  /** Returns false if the account no longer has the hash `from`. */
  async function setPasswordHash(id: number, from: string, to: string, db: Db | Tx = app.db) {
    const [{ affectedRows }] = await db
      .update(users)
      .set({ passwordHash: to })
      .where(and(alive(id), eq(users.passwordHash, from)))
    return affectedRows > 0
  }

  /** Returns false if the account no longer has the address `from`. @throws EmailTaken */
  async function setEmail(tx: Tx, id: number, from: string, to: string) {
    const updating = tx
      .update(users)
      .set({ email: to.toLowerCase() })
      .where(and(alive(id), eq(users.email, from)))
    const [{ affectedRows }] = await updating.catch((error) => {
      throw app.errors.duplicateKey(error) === 'users_email' ? new EmailTaken() : error
    })
    if (affectedRows > 0) await app.events.emit(tx, 'user.updated', { userId: id })
    return affectedRows > 0
  }

  /**
   * Hides the account at once and frees its e-mail address; its handle rests. A job erases the rest later.
   * @throws UserNotFound, LastAdmin
   */
  async function remove(id: number, outer?: Tx) {
    return app.transaction(async (tx) => {
      await states.assertNotLastAdmin(tx, id)
      const handle = await handleOf(tx, id)
      const gone = { deletedAt: sql`NOW(3)`, email: null, handle: null, passwordHash: '' }
      const [result] = await tx.update(users).set(gone).where(alive(id))
      if (result.affectedRows === 0) throw new UserNotFound()
      if (handle) await resting.rest(tx, handle, null)
      await app.events.emit(tx, 'user.deleted', { userId: id })
    }, outer)
  }

  return {
    create,
    update,
    pictures,
    states,
    setPasswordHash,
    setEmail,
    remove,
    purgeHandles: resting.purge,
    counts,
    ...reading,
    ...createErasure(app, counts),
  }
}

/**
 * Transliterates the name to Latin letters. Adds random digits from the second attempt on, and to names
 * of which too few letters are left.
 */
function handleFrom(name: string, attempt: number) {
  const ascii = anyAscii(name)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
  const { min, max } = ACCOUNT_LIMITS.handle
  const stem = ascii.replaceAll(/^_+|_+$/g, '').slice(0, max - 1 - HANDLE_DIGITS)
  const base = stem.length >= min ? stem : 'user'
  if (attempt === 0 && base === stem) return base
  return `${base}_${Math.floor(Math.random() * 10 ** Math.min(4 + attempt, HANDLE_DIGITS))}`
}

export default fp(
  async (app) => {
    for (const schema of [UserSummary, User, OwnUser]) app.resources.define(schema)
    app.decorate('users', createUsers(app))
    addExports(app)
    app.jobs.every('users.purgeHandles', 3600, app.users.purgeHandles)
  },
  {
    name: 'users.service',
    dependencies: ['db', 'events', 'jobs', 's3', 'resources', 'cache', 'exports'],
  },
)
