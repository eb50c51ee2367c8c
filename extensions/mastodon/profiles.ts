import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { inArray } from 'drizzle-orm'
import { Unsupported } from './errors.ts'

/** Characters of a name and of a value, and pairs of a profile: the limits of Mastodon. */
export const FIELD_LENGTH = 255
export const MOST_FIELDS = 4

export type Field = { name: string; value: string }
export type Profile = {
  fields: Field[]
  isBot: boolean
  isDiscoverable: boolean
  /** The language of posts that name none. */
  language: string | null
}

export const PLAIN: Profile = { fields: [], isBot: false, isDiscoverable: true, language: null }

/** The parts of a profile that only this API has; most people have none. */
export function createProfiles(app: FastifyInstance) {
  const { mastodonProfiles: profiles } = app.tables

  /** By the id of the account; with one query. */
  async function read(ids: number[], db: Db | Tx = app.db) {
    if (ids.length === 0) return new Map<number, Profile>()
    const rows = await db.select().from(profiles).where(inArray(profiles.userId, ids))
    return new Map(rows.map(({ userId, ...profile }): [number, Profile] => [userId, profile]))
  }

  const of = async (userId: number) => (await read([userId])).get(userId) ?? PLAIN

  /** @throws UserNotFound */
  async function change(tx: Tx, userId: number, changes: Partial<Profile>) {
    await tx
      .insert(profiles)
      .values({ ...PLAIN, ...changes, userId })
      .onDuplicateKeyUpdate({ set: changes })
    app.cache.invalidate(tx, 'user', [userId])
    await app.users.assertExist(tx, [userId])
  }

  /** Reads a list, or an object whose keys are numbers; empty pairs are left out. @throws Unsupported, 400 */
  function readFields(sent: unknown): Field[] {
    const pairs = Object.values(Object(sent)).map((pair) => Object(pair))
    const filled = pairs.filter(({ name, value }) => name || value)
    if (filled.length > MOST_FIELDS)
      throw new Unsupported(`A profile can have at most ${MOST_FIELDS} fields.`)
    return filled.map(({ name, value }) => ({
      name: app.cleanName(String(name ?? ''), {
        field: 'fields_attributes/name',
        max: FIELD_LENGTH,
      }),
      value: app.cleanText(String(value ?? ''), {
        field: 'fields_attributes/value',
        max: FIELD_LENGTH,
      }),
    }))
  }

  /** For the archive of an account's data. */
  const exported = async (userId: number) => [...(await read([userId])).values()]

  return { read, of, change, readFields, exported }
}
