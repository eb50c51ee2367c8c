import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { build } from '../app.ts'
import { HIGH_LIMITS } from '../test/high-limits.ts'
import { usage } from './live-usage.ts'

// The service with users, in its own process, for bench/live.ts.

const app = await build({
  ...HIGH_LIMITS,
  ...process.env,
  NODE_ENV: 'test',
  LOG_LEVEL: 'warn',
  PORT: '0',
  JWT_SECRETS: randomBytes(32).toString('hex'),
})

/** An author with all readers as followers, an author with few, and the readers. */
async function populate(streams: number, few: number) {
  const { users, follows } = app.tables
  const people = Array.from({ length: streams + 2 }, (_, n) => ({
    name: `Person ${n}`,
    handle: `person${n}`,
    email: `person${n}@example.com`,
    profile: '',
    passwordHash: '',
  }))
  for (let i = 0; i < people.length; i += 1000) {
    await app.db.insert(users).values(people.slice(i, i + 1000))
  }
  const rows = await app.db.select({ id: users.id }).from(users).orderBy(users.id)
  const [everyones, fews, ...readers] = rows.map(({ id }) => id) as [number, number, ...number[]]
  const pairs = [
    ...readers.map((followerId) => ({ followerId, followeeId: everyones })),
    ...readers.slice(0, few).map((followerId) => ({ followerId, followeeId: fews })),
  ]
  for (let i = 0; i < pairs.length; i += 1000) {
    await app.db.insert(follows).values(pairs.slice(i, i + 1000))
  }
  await app.db.execute(sql`ANALYZE TABLE ${users}, ${follows}`)
  const [everyone, fewToken, ...tokens] = await openSessions(rows.map(({ id }) => id))
  return { tokens, authors: { everyone, few: fewToken } }
}

/** Returns an access token for each user; a stream needs a session that exists. */
async function openSessions(userIds: number[]) {
  const { sessions } = app.tables
  const hour = sql`NOW(3) + INTERVAL 1 HOUR`
  const rest = { ip: '127.0.0.1', userAgent: 'bench', expiresAt: hour, accessUntil: hour }
  for (let i = 0; i < userIds.length; i += 1000) {
    const some = userIds.slice(i, i + 1000)
    await app.db.insert(sessions).values(some.map((userId) => ({ userId, ...rest })))
  }
  const rows = await app.db.select({ id: sessions.id, userId: sessions.userId }).from(sessions)
  const idOf = new Map(rows.map(({ id, userId }) => [userId, id]))
  return userIds.map((userId) => app.accessTokens.issue(userId, idOf.get(userId) ?? 0, 3600))
}

process.on('message', async (command: { streams?: number; few?: number; usage?: boolean }) => {
  if (command.usage) return process.send?.(usage())
  const known = await populate(command.streams ?? 0, command.few ?? 0)
  const address = await app.listen({ host: '0.0.0.0', port: 0 })
  process.send?.({ port: Number(new URL(address).port), ...known })
})
process.on('disconnect', () => process.exit())
