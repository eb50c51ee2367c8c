import type { FastifyInstance } from 'birdhouse'
import { eq, type SQL, sql } from 'drizzle-orm'
import { hashOf, isSecret, newSecret } from './secrets.ts'

export type Registration = {
  name: string
  website: string | null
  redirectUris: string[]
  scopes: string[]
}

/** Days until an app is purged that nobody uses. */
const UNUSED = 30

/** The clients that have registered themselves. */
export function createApps(app: FastifyInstance) {
  const { mastodonApps: apps, mastodonTokens: tokens } = app.tables

  async function register({ scopes, ...registration }: Registration) {
    const [clientId, secret] = [newSecret(), newSecret()]
    const [{ insertId: id }] = await app.db
      .insert(apps)
      .values({ ...registration, clientId, secretHash: hashOf(secret), scopes: scopes.join(' ') })
    return { id, clientId, secret }
  }

  async function select(where: SQL) {
    const [row] = await app.db.select().from(apps).where(where)
    return row && { ...row, scopes: row.scopes.split(' ') }
  }

  const find = (clientId: string) => select(eq(apps.clientId, clientId))
  const byId = (id: number) => select(eq(apps.id, id))

  /** The app, if the secret is its own; without a secret any app, which then needs PKCE. */
  async function authenticate(clientId: string, secret?: string | null) {
    const found = await find(clientId)
    return found && (!secret || isSecret(secret, found.secretHash)) ? found : undefined
  }

  async function purge() {
    const isUnused = sql`${apps.createdAt} < NOW(3) - INTERVAL ${UNUSED} DAY AND NOT EXISTS (SELECT 1 FROM ${tokens} WHERE ${tokens.appId} = ${apps.id})`
    await app.deleteInBatches(apps, isUnused)
  }

  return { register, find, byId, authenticate, purge }
}

export type App = NonNullable<Awaited<ReturnType<ReturnType<typeof createApps>['find']>>>
