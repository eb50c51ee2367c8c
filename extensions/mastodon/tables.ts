import { bytes32, createdAt, id, jsonText, reference, text, time } from 'birdhouse/columns'
import { boolean, index, int, mysqlTable, primaryKey } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    mastodonApps: typeof mastodonApps
    mastodonCodes: typeof mastodonCodes
    mastodonTokens: typeof mastodonTokens
    mastodonMarkers: typeof mastodonMarkers
    mastodonDismissals: typeof mastodonDismissals
    mastodonProfiles: typeof mastodonProfiles
  }
}

/** A client that has registered itself. */
export const mastodonApps = mysqlTable('mastodon_apps', {
  id: id().autoincrement().primaryKey(),
  clientId: text({ length: 43 }).notNull().unique('mastodon_apps_client'),
  secretHash: bytes32().notNull(),
  name: text({ length: 100 }).notNull(),
  website: text({ length: 2000 }),
  redirectUris: jsonText().$type<string[]>().notNull(),
  scopes: text({ length: 1000 }).notNull(),
  createdAt: createdAt(),
})

const appId = () =>
  id()
    .notNull()
    .references(() => mastodonApps.id, { onDelete: 'cascade' })

/**
 * A code, or a consent that is being asked for (`isConsent`), which its person may turn into a code. A spent code stays
 * until it expires, so that its second use ends the session.
 */
export const mastodonCodes = mysqlTable(
  'mastodon_codes',
  {
    hash: bytes32().primaryKey(),
    isConsent: boolean().notNull(),
    appId: appId(),
    userId: reference('users', { onDelete: 'cascade' }).notNull(),
    redirectUri: text({ length: 2000 }).notNull(),
    scopes: text({ length: 1000 }).notNull(),
    challenge: text({ length: 128 }),
    /** Changes with the password; an old one makes the code invalid. */
    binding: bytes32(),
    spentAt: time(),
    sessionId: id(),
    expiresAt: time().notNull(),
  },
  (t) => [index('mastodon_codes_expires').on(t.expiresAt)],
)

/** A token ends with its session. A token of an app alone has neither a user nor a session. */
export const mastodonTokens = mysqlTable(
  'mastodon_tokens',
  {
    hash: bytes32().primaryKey(),
    appId: appId(),
    userId: reference('users', { onDelete: 'cascade' }),
    sessionId: id(),
    scopes: text({ length: 1000 }).notNull(),
    createdAt: createdAt(),
  },
  (t) => [index('mastodon_tokens_session').on(t.sessionId)],
)

/** How far a user has read in a timeline. */
export const mastodonMarkers = mysqlTable(
  'mastodon_markers',
  {
    userId: reference('users', { onDelete: 'cascade' }).notNull(),
    timeline: text({ length: 20 }).notNull(),
    lastReadId: text({ length: 20 }).notNull(),
    version: int().notNull().default(1),
    updatedAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.userId, t.timeline] })],
)

/** An account that is not to be suggested to a user again. */
export const mastodonDismissals = mysqlTable(
  'mastodon_dismissals',
  {
    userId: reference('users', { onDelete: 'cascade' }).notNull(),
    accountId: reference('users', { onDelete: 'cascade' }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.accountId] }),
    index('mastodon_dismissals_account').on(t.accountId),
  ],
)

/** The parts of a profile that Birdhouse itself lacks. An account without a row has none of them. */
export const mastodonProfiles = mysqlTable('mastodon_profiles', {
  userId: reference('users', { onDelete: 'cascade' }).primaryKey(),
  fields: jsonText().$type<{ name: string; value: string }[]>().notNull(),
  isBot: boolean().notNull(),
  isDiscoverable: boolean().notNull(),
  language: text({ length: 20 }),
})
