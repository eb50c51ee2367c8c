import createError from '@fastify/error'
import type { FastifyInstance, PageRequest } from 'birdhouse'
import { and, eq, gte, inArray, isNull, lte } from 'drizzle-orm'
import { domainsOf, readDomain } from './domains.ts'
import { addressKey, readRange } from './ranges.ts'
import { REASON_MAX } from './waiting.ts'

export type BlockKind = 'domain' | 'range'
type NewBlock = { kind: BlockKind; value: string; reason: string }

const EmailDomainBlocked = createError(
  'EMAIL_DOMAIN_BLOCKED',
  'E-mail addresses of this domain cannot be used here; use an address of another domain.',
  422,
)
const NetworkBlocked = createError(
  'NETWORK_BLOCKED',
  'Nobody can sign up from your network; use another network, or ask the operator.',
  403,
)
const BlockedAlready = createError('BLOCKED_ALREADY', '%s is blocked already.', 409)
const BlockNotFound = createError(
  'BLOCK_NOT_FOUND',
  'There is no block with this id, or it is lifted already.',
  404,
)

/** Blocked domains of e-mail addresses and ranges of client addresses. Read at each use, so exact in all processes. */
export function createBlocks(app: FastifyInstance) {
  const { signUpBlocks: table } = app.tables
  const isActive = (kind: BlockKind) => and(eq(table.active, 1), eq(table.kind, kind))

  /** @throws EmailDomainBlocked */
  async function assertDomainAllowed(email: string) {
    const where = and(isActive('domain'), inArray(table.value, domainsOf(email)))
    const rows = await app.db.select({ id: table.id }).from(table).where(where).limit(1)
    if (rows.length > 0) throw new EmailDomainBlocked()
  }

  /** @throws NetworkBlocked */
  async function assertNetworkAllowed(address: string) {
    const key = addressKey(address)
    if (key === undefined) return
    const where = and(isActive('range'), lte(table.first, key), gte(table.last, key))
    const rows = await app.db.select({ id: table.id }).from(table).where(where).limit(1)
    if (rows.length > 0) throw new NetworkBlocked()
  }

  const clean = (reason: string) =>
    app.cleanText(reason, { field: 'reason', min: 1, max: REASON_MAX })

  function read(kind: BlockKind, text: string) {
    const value = kind === 'domain' ? readDomain(text) : undefined
    const row = kind === 'domain' ? value && { value, first: null, last: null } : readRange(text)
    if (row) return row
    throw app.errors.invalidField(
      'value',
      kind === 'domain'
        ? 'must be a domain such as spam.example'
        : 'must be an address or a range such as 192.0.2.0/24 or 2001:db8::/32, and not all addresses',
    )
  }

  /** `actorId` is undefined on the command line. @throws BlockedAlready, 400 that names the field */
  async function block({ kind, value, reason: given }: NewBlock, actorId?: number) {
    const reason = clean(given)
    const row = { kind, ...read(kind, value), reason }
    return app.transaction(async (tx) => {
      const inserting = tx.insert(table).values(row)
      const [{ insertId: id }] = await inserting.catch((error) => {
        throw app.errors.duplicateKey(error) ? new BlockedAlready(row.value) : error
      })
      const target = { kind: `${kind}-block`, id }
      await app.moderation.record({ actorId, act: `block-${kind}`, target, reason }, tx)
      return { id, kind, value: row.value, reason }
    })
  }

  /** @throws BlockNotFound, 400 that names the field */
  async function liftBlock(id: number, given: string, actorId?: number) {
    const reason = clean(given)
    await app.transaction(async (tx) => {
      const where = and(eq(table.id, id), eq(table.active, 1))
      const [row] = await tx.select({ kind: table.kind }).from(table).where(where).for('update')
      if (!row) throw new BlockNotFound()
      await tx.update(table).set({ active: null }).where(where)
      const target = { kind: `${row.kind}-block`, id }
      await app.moderation.record({ actorId, act: `unblock-${row.kind}`, target, reason }, tx)
    })
  }

  /** Newest first. @throws InvalidCursor */
  async function page(state: 'active' | 'lifted', request: PageRequest) {
    const list = { name: `sign-up-blocks:${state}`, id: table.id }
    const { items, nextCursor } = await app.pages.read(list, request, (page) =>
      app.db
        .select()
        .from(table)
        .where(and(state === 'active' ? eq(table.active, 1) : isNull(table.active), page.where))
        .orderBy(page.orderBy)
        .limit(page.limit),
    )
    return {
      items: items.map(({ id, kind, value, reason, createdAt }) => ({
        id,
        kind,
        value,
        reason,
        createdAt: createdAt.toISOString(),
      })),
      nextCursor,
    }
  }

  return { assertDomainAllowed, assertNetworkAllowed, block, liftBlock, blocks: page }
}
