import createError from '@fastify/error'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNotNull, isNull, or, sql } from 'drizzle-orm'
import { UserNotFound } from './pictures.ts'
import type { Role } from './tables.ts'

export type AccountState = 'active' | 'limited' | 'suspended'

const LastAdmin = createError(
  'LAST_ADMIN',
  'This is the only administrator; make another account an administrator first.',
  409,
)

/** The role of an account, and whether it is limited or suspended. Rights are the caller's to check. */
export function createStates(app: FastifyInstance) {
  const { users } = app.tables
  const columns = {
    id: users.id,
    handle: users.handle,
    role: users.role,
    suspendedAt: users.suspendedAt,
    limitedAt: users.limitedAt,
    waitingSince: users.waitingSince,
  }
  const existing = (id: number) => and(eq(users.id, id), isNull(users.deletedAt))

  /** The current role; undefined for an account that is deleted, suspended or not approved yet. */
  async function roleOf(id: number, db: Db | Tx = app.db) {
    const [row] = await db
      .select({ role: users.role })
      .from(users)
      .where(and(eq(users.id, id), isNull(users.hiddenAt)))
    return row?.role
  }

  /** Locks the account until the commit; suspended accounts included. @throws UserNotFound */
  async function lock(tx: Tx, id: number) {
    const [row] = await tx.select(columns).from(users).where(existing(id)).for('update')
    if (!row) throw new UserNotFound()
    return row
  }

  /** Locks all administrators, so that two changes at once leave one of them. @throws LastAdmin */
  async function assertNotLastAdmin(tx: Tx, id: number) {
    const [own] = await tx.select(columns).from(users).where(existing(id)).for('update')
    if (own?.role !== 'admin') return
    const isAdmin = and(eq(users.role, 'admin'), isNull(users.deletedAt))
    const admins = await tx
      .select({ id: users.id, hiddenAt: users.hiddenAt })
      .from(users)
      .where(isAdmin)
      .orderBy(users.id)
      .for('update')
    const acting = admins.filter(({ hiddenAt }) => hiddenAt === null)
    if (acting.length === 1 && acting[0]?.id === id) throw new LastAdmin()
  }

  /** Returns false if the account has the role already. @throws LastAdmin */
  async function setRole(tx: Tx, id: number, role: Role) {
    if (role !== 'admin') await assertNotLastAdmin(tx, id)
    const where = and(existing(id), sql`${users.role} <> ${role}`)
    const [{ affectedRows }] = await tx.update(users).set({ role }).where(where)
    return affectedRows > 0
  }

  /** Returns false if the account is in that state already. A suspension ends no session. @throws LastAdmin */
  async function setState(tx: Tx, id: number, state: AccountState) {
    if (state === 'suspended') await assertNotLastAdmin(tx, id)
    const change = {
      suspendedAt: state === 'suspended' ? sql`NOW(3)` : null,
      limitedAt: state === 'limited' ? sql`NOW(3)` : null,
    }
    const differs = {
      active: or(isNotNull(users.suspendedAt), isNotNull(users.limitedAt)),
      limited: isNull(users.limitedAt),
      suspended: isNull(users.suspendedAt),
    }[state]
    const [{ affectedRows }] = await tx
      .update(users)
      .set(change)
      .where(and(existing(id), differs))
    if (affectedRows === 0) return false
    await app.events.emit(tx, 'user.updated', { userId: id })
    return true
  }

  /** Hides a new account until it is approved. */
  const setWaiting = async (tx: Tx, id: number) =>
    void (await tx.update(users).set({ waitingSince: sql`NOW(3)` }).where(existing(id)))

  /** Returns false if the account does not wait. */
  async function approve(tx: Tx, id: number) {
    const [{ affectedRows }] = await tx
      .update(users)
      .set({ waitingSince: null })
      .where(and(existing(id), isNotNull(users.waitingSince)))
    if (affectedRows > 0) await app.events.emit(tx, 'user.updated', { userId: id })
    return affectedRows > 0
  }

  return { roleOf, lock, assertNotLastAdmin, setRole, setState, setWaiting, approve }
}
