import { isOwn, tablePrefix } from '../plugins/features/check.ts'

const NAME = '`?(\\w+)`?'
const WRITES = [
  `(?:CREATE|ALTER|DROP|TRUNCATE)(?: TEMPORARY)? TABLE (?:IF (?:NOT )?EXISTS )?${NAME}`,
  `(?:CREATE|DROP)(?: UNIQUE| FULLTEXT)? INDEX .*? ON ${NAME}`,
  `RENAME TABLE ${NAME}`,
  `(?:INSERT|REPLACE)(?: IGNORE)?(?: INTO)? ${NAME}`,
  `UPDATE(?: IGNORE)? ${NAME}`,
  `DELETE FROM ${NAME}`,
].map((pattern) => new RegExp(`^${pattern}`, 'is'))
const KEYS = new RegExp(`REFERENCES ${NAME} ?\\([^)]*\\)([^,;]*)`, 'gi')

const oneLine = (statement: string) =>
  statement
    .replaceAll(/^\s*--.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim()

/** The table that a statement creates, changes or fills. */
export function tableOf(statement: string) {
  const sql = oneLine(statement)
  return WRITES.map((pattern) => pattern.exec(sql)?.[1]).find(Boolean)
}

/**
 * Returns how a migration's statement changes tables that are not the extension's own, as the end of a
 * sentence that begins with the migration's name. Guards against accidents, not against intent.
 */
export function foreignStatement(owner: string, statement: string) {
  const prefix = tablePrefix(owner)
  const target = tableOf(statement)
  if (target === undefined) return 'must create, change or fill a table.'
  if (!isOwn(target, prefix)) {
    return `changes the table ${target}; it may change only ${prefix} and tables that begin with ${prefix}_.`
  }
  for (const [, parent = '', actions = ''] of oneLine(statement).matchAll(KEYS)) {
    if (!isOwn(parent, prefix) && !/ON DELETE (CASCADE|SET NULL)/i.test(actions)) {
      return `has a foreign key to ${parent} that prevents deleting rows there; add ON DELETE CASCADE.`
    }
  }
  return undefined
}
