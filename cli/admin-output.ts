import type { FastifyInstance } from 'fastify'
import { table } from './table.ts'

type Moderation = FastifyInstance['moderation']
type Acts = Awaited<ReturnType<Moderation['acts']>>
type Named = { id: number; handle: string | null } | null

const nameOf = (account: Named) =>
  account ? `${account.handle ? `@${account.handle}` : 'deleted'} (${account.id})` : ''

export function auditTable({ items, nextCursor }: Acts) {
  if (items.length === 0) return 'No acts.'
  const rows = items.map(({ id, createdAt, act, actor, target, account, reason }) => [
    String(id),
    createdAt,
    act,
    nameOf(actor) || 'operator',
    `${target.kind} ${target.id}`,
    nameOf(account),
    reason ?? '',
  ])
  const titles = ['ID', 'WHEN', 'ACT', 'BY', 'TARGET', 'ACCOUNT', 'REASON']
  return `${table([titles, ...rows])}${nextCursor ? '\n\nThere are more; --limit shows more.' : ''}`
}
