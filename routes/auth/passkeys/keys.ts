import { createHash } from 'node:crypto'
import createError from '@fastify/error'
import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { ACCOUNT_LIMITS } from 'birdhouse/schemas'
import { and, eq, lt, sql } from 'drizzle-orm'
import type { NewKey } from './webauthn.ts'

/** Passkeys of an account, at most. */
const MOST = 20

const TooMany = createError(
  'TOO_MANY_PASSKEYS',
  `You can have at most ${MOST} passkeys; delete a passkey first.`,
  409,
)
const Taken = createError('PASSKEY_TAKEN', 'This passkey is registered already.', 409)
const NotFound = createError('PASSKEY_NOT_FOUND', 'You have no passkey with this id.', 404)

/** The rows of passkeys. */
export function createKeys(app: FastifyInstance) {
  const { passkeys: table } = app.tables
  const own = (userId: number, id: number) => and(eq(table.userId, userId), eq(table.id, id))

  /** @throws 400 that names the field */
  const toName = (name: string) => app.cleanName(name, { field: 'name', max: ACCOUNT_LIMITS.name })

  const of = (userId: number, db: Db | Tx = app.db) =>
    db.select().from(table).where(eq(table.userId, userId)).orderBy(table.id)

  const list = async (userId: number) => (await of(userId)).map(shown)

  /** @throws PasskeyNotFound */
  async function get(userId: number, id: number, db: Db | Tx = app.db) {
    const [row] = await db.select().from(table).where(own(userId, id))
    if (!row) throw new NotFound()
    return shown(row)
  }

  /** @throws TooManyPasskeys */
  async function assertRoom(userId: number, db: Db | Tx = app.db) {
    const count = await db.$count(table, eq(table.userId, userId))
    if (count >= MOST) throw new TooMany()
  }

  async function find(userId: number, credentialId: string) {
    const hash = eq(table.credentialHash, hashOf(credentialId))
    const [row] = await app.db
      .select()
      .from(table)
      .where(and(eq(table.userId, userId), hash))
    return row
  }

  /** @throws PasskeyNotFound, 400 that names the field */
  async function rename(userId: number, id: number, name: string) {
    await app.db
      .update(table)
      .set({ name: toName(name) })
      .where(own(userId, id))
    return get(userId, id)
  }

  /** @throws PasskeyTaken */
  async function insert(tx: Tx, row: NewKey & { userId: number; name: string }) {
    const [{ insertId }] = await tx
      .insert(table)
      .values({ ...row, credentialHash: hashOf(row.credentialId) })
      .catch((error) => {
        throw app.errors.duplicateKey(error) ? new Taken() : error
      })
    return insertId
  }

  /** False if the passkey was deleted meanwhile, or a later signature of it came first. */
  async function noteUse(userId: number, id: number, counter: number) {
    const isLater = counter > 0 ? lt(table.counter, counter) : eq(table.counter, 0)
    const [{ affectedRows }] = await app.db
      .update(table)
      .set({ counter, lastUsedAt: sql`NOW(3)` })
      .where(and(own(userId, id), isLater))
    return affectedRows > 0
  }

  /** @throws PasskeyNotFound */
  async function remove(tx: Tx, userId: number, id: number) {
    const [{ affectedRows }] = await tx.delete(table).where(own(userId, id))
    if (affectedRows === 0) throw new NotFound()
  }

  const erase = async (userId: number, tx: Tx) =>
    void (await tx.delete(table).where(eq(table.userId, userId)))

  return { toName, of, list, get, assertRoom, find, rename, insert, noteUse, remove, erase }
}

const hashOf = (credentialId: string) => createHash('sha256').update(credentialId).digest()

type Row = { id: number; name: string; createdAt: Date; lastUsedAt: Date | null }

const shown = ({ id, name, createdAt, lastUsedAt }: Row) => ({
  id,
  name,
  createdAt: createdAt.toISOString(),
  lastUsedAt: lastUsedAt?.toISOString() ?? null,
})
