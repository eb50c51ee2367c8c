import { sql } from 'drizzle-orm'
import { bigint, customType, datetime, mysqlTable } from 'drizzle-orm/mysql-core'

/** Text compared by bytes: a Unicode collation treats different emoji as equal. */
const binaryCollation = (type: string) => `${type} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`

export const text = customType<{ data: string; config: { length: number } }>({
  dataType: (config) => binaryCollation(`varchar(${config?.length ?? 255})`),
})

/** JSON kept as text: MariaDB returns its JSON columns as strings, MySQL as objects. */
export const jsonText = customType<{ data: unknown; driverData: string }>({
  dataType: () => binaryCollation('mediumtext'),
  toDriver: (value) => JSON.stringify(value),
  fromDriver: (value) => JSON.parse(value),
})

/** Drizzle's own varbinary returns text. */
export const bytes = customType<{ data: Buffer; config: { length: number } }>({
  dataType: (config) => `varbinary(${config?.length ?? 255})`,
})

/** A SHA-256 digest. */
export const bytes32 = customType<{ data: Buffer }>({ dataType: () => 'binary(32)' })

export const id = () => bigint({ mode: 'number', unsigned: true })

export const time = () => datetime({ mode: 'date', fsp: 3 })

export const now = sql`(now(3))`

export const createdAt = () => time().notNull().default(now)

/** The id of a row of another table, which need not be imported: `reference('users')`. */
export const reference = (table: string, actions: { onDelete?: 'cascade' | 'set null' } = {}) =>
  id().references(() => mysqlTable(table, { id: id().primaryKey() }).id, actions)
