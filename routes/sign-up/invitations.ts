import { createHash, randomBytes } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyInstance, PageRequest, Tx } from 'birdhouse'
import { and, eq, gt, inArray, isNull, sql } from 'drizzle-orm'

type NewInvitation = { uses: number; days: number }

/** Bytes; OWASP ASVS 6.5.2 allows a plain hash from 112 bits on. */
const CODE = 16

const InvitationRequired = createError(
  'INVITATION_REQUIRED',
  'A sign-up needs an invitation here; send its code as `invitation`.',
  403,
)
const InvalidInvitation = createError(
  'INVALID_INVITATION',
  'This invitation is wrong, used up, expired or revoked; ask for another.',
  403,
)
const InvitationNotFound = createError(
  'INVITATION_NOT_FOUND',
  'There is no invitation with this id, or it is revoked already.',
  404,
)

const digest = (code: string) => createHash('sha256').update(code).digest()

export function createInvitations(app: FastifyInstance) {
  const { invitations: table, invitationUses: used, users } = app.tables
  const valid = (code: string) =>
    and(
      eq(table.hash, digest(code)),
      gt(table.usesLeft, 0),
      gt(table.expiresAt, sql`NOW(3)`),
      isNull(table.revokedAt),
    )

  /** Returns the code, which nobody sees again. `actorId` is undefined on the command line. */
  async function invite({ uses, days }: NewInvitation, actorId?: number) {
    const code = randomBytes(CODE).toString('base64url')
    const expiresAt = sql`NOW(3) + INTERVAL ${days} DAY`
    const row = { hash: digest(code), uses, usesLeft: uses, expiresAt, authorId: actorId }
    const id = await app.transaction(async (tx) => {
      const [{ insertId }] = await tx.insert(table).values(row)
      const target = { kind: 'invitation', id: insertId }
      await app.moderation.record({ actorId, act: 'create-invitation', target }, tx)
      return insertId
    })
    const [made] = await app.db
      .select({ expiresAt: table.expiresAt })
      .from(table)
      .where(eq(table.id, id))
    return { id, code, uses, expiresAt: made?.expiresAt.toISOString() ?? '' }
  }

  /** The accounts that have used it stay. @throws InvitationNotFound */
  async function revokeInvitation(id: number, actorId?: number) {
    await app.transaction(async (tx) => {
      const [{ affectedRows }] = await tx
        .update(table)
        .set({ revokedAt: sql`NOW(3)` })
        .where(and(eq(table.id, id), isNull(table.revokedAt)))
      if (affectedRows === 0) throw new InvitationNotFound()
      const target = { kind: 'invitation', id }
      await app.moderation.record({ actorId, act: 'revoke-invitation', target }, tx)
    })
  }

  /** @throws InvitationRequired, InvalidInvitation */
  async function assertValid(code: string | undefined) {
    if (code === undefined) throw new InvitationRequired()
    const rows = await app.db.select({ id: table.id }).from(table).where(valid(code))
    if (rows.length === 0) throw new InvalidInvitation()
  }

  /** Takes one use; of two sign-ups with the last one, one succeeds. @throws InvalidInvitation */
  async function redeem(tx: Tx, userId: number, code: string) {
    const [{ affectedRows }] = await tx
      .update(table)
      .set({ usesLeft: sql`${table.usesLeft} - 1` })
      .where(valid(code))
    if (affectedRows === 0) throw new InvalidInvitation()
    const [row] = await tx
      .select({ id: table.id })
      .from(table)
      .where(eq(table.hash, digest(code)))
    if (row) await tx.insert(used).values({ userId, invitationId: row.id })
  }

  /** Newest first. @throws InvalidCursor */
  async function page(request: PageRequest) {
    const list = { name: 'invitations', id: table.id }
    const { items, nextCursor } = await app.pages.read(list, request, (page) =>
      app.db.select().from(table).where(page.where).orderBy(page.orderBy).limit(page.limit),
    )
    const accounts = await accountsOf(items.map(({ id }) => id))
    return {
      items: items.map((row) => ({
        id: row.id,
        authorId: row.authorId,
        uses: row.uses,
        usesLeft: row.usesLeft,
        createdAt: row.createdAt.toISOString(),
        expiresAt: row.expiresAt.toISOString(),
        revokedAt: row.revokedAt?.toISOString() ?? null,
        accounts: accounts.get(row.id) ?? [],
      })),
      nextCursor,
    }
  }

  async function accountsOf(ids: number[]) {
    if (ids.length === 0) return new Map<number, { id: number; handle: string }[]>()
    const rows = await app.db
      .select({ invitationId: used.invitationId, id: users.id, handle: users.handle })
      .from(used)
      .innerJoin(users, eq(users.id, used.userId))
      .where(and(inArray(used.invitationId, ids), isNull(users.deletedAt)))
      .orderBy(users.id)
    return Map.groupBy(
      rows.map(({ handle, ...row }) => ({ ...row, handle: handle ?? '' })),
      ({ invitationId }) => invitationId,
    )
  }

  return { invite, revokeInvitation, assertValid, redeem, invitations: page }
}
