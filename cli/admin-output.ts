import type { FastifyInstance } from 'fastify'
import { table } from './table.ts'

type Moderation = FastifyInstance['moderation']
type Acts = Awaited<ReturnType<Moderation['acts']>>
type Reports = Awaited<ReturnType<Moderation['reports']>>
type Appeals = Awaited<ReturnType<Moderation['appeals']>>
type SignUps = Awaited<ReturnType<FastifyInstance['signUp']['signUps']>>
type Invitations = Awaited<ReturnType<FastifyInstance['signUp']['invitations']>>
type Blocks = Awaited<ReturnType<FastifyInstance['signUp']['blocks']>>
type Named = { id: number; handle: string | null } | null

/** Characters of a text in a list. */
const EXCERPT = 60

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
    excerpt(reason ?? ''),
  ])
  const titles = ['ID', 'WHEN', 'ACT', 'BY', 'TARGET', 'ACCOUNT', 'REASON']
  return page([titles, ...rows], nextCursor)
}

export function reportsTable({ items, nextCursor }: Reports) {
  if (items.length === 0) return 'No reports.'
  const rows = items.map(({ id, createdAt, category, target, account, reporter, ...report }) => [
    String(id),
    createdAt,
    category,
    `${target.kind} ${target.id}`,
    nameOf(account),
    nameOf(reporter),
    excerpt(report.text),
    excerpt(report.tweetText ?? ''),
  ])
  const titles = ['ID', 'WHEN', 'CATEGORY', 'TARGET', 'ACCOUNT', 'BY', 'TEXT', 'TWEET']
  return page([titles, ...rows], nextCursor)
}

export function appealsTable({ items, nextCursor }: Appeals) {
  if (items.length === 0) return 'No appeals.'
  const rows = items.map(({ id, createdAt, act, account, text, outcome }) => [
    String(id),
    createdAt,
    `${act.act} (${act.id})`,
    nameOf(account),
    outcome ?? 'open',
    excerpt(text),
  ])
  const titles = ['ID', 'WHEN', 'ACT', 'ACCOUNT', 'OUTCOME', 'TEXT']
  return page([titles, ...rows], nextCursor)
}

export function signUpsTable({ items, nextCursor }: SignUps) {
  if (items.length === 0) return 'No account waits.'
  const rows = items.map(({ id, createdAt, handle, name, email, emailVerified, profile }) => [
    String(id),
    createdAt,
    `@${handle}`,
    name,
    `${email}${emailVerified ? ' (verified)' : ''}`,
    excerpt(profile),
  ])
  return page([['ID', 'WHEN', 'HANDLE', 'NAME', 'E-MAIL', 'PROFILE'], ...rows], nextCursor)
}

export function invitationsTable({ items, nextCursor }: Invitations) {
  if (items.length === 0) return 'No invitations.'
  const rows = items.map(({ id, authorId, uses, usesLeft, expiresAt, revokedAt, accounts }) => [
    String(id),
    authorId === null ? 'operator' : String(authorId),
    `${usesLeft} of ${uses}`,
    revokedAt ? 'revoked' : expiresAt,
    accounts.map(({ handle }) => `@${handle}`).join(' '),
  ])
  return page([['ID', 'BY', 'LEFT', 'EXPIRES', 'ACCOUNTS'], ...rows], nextCursor)
}

export function blocksTable({ items, nextCursor }: Blocks) {
  if (items.length === 0) return 'No blocks.'
  const rows = items.map(({ id, createdAt, kind, value, reason }) => [
    String(id),
    createdAt,
    kind,
    value,
    excerpt(reason),
  ])
  return page([['ID', 'WHEN', 'KIND', 'VALUE', 'REASON'], ...rows], nextCursor)
}

/** --json has all of a text. */
const excerpt = (text: string) => text.replaceAll('\n', ' ').slice(0, EXCERPT)

const page = (rows: string[][], nextCursor: string | null) =>
  `${table(rows)}${nextCursor ? '\n\nThere are more; --limit shows more.' : ''}`
