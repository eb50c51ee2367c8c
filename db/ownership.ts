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

/**
 * What in a migration's statement reaches beyond the extension's own tables, as the rest of a
 * sentence. It guards against accidents, not against intent.
 */
export function foreignStatement(owner: string, statement: string) {
  const sql = statement
    .replaceAll(/^\s*--.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  const prefix = tablePrefix(owner)
  const target = WRITES.map((pattern) => pattern.exec(sql)?.[1]).find(Boolean)
  if (target === undefined) return 'is no statement that creates, changes or fills a table.'
  if (!isOwn(target, prefix)) {
    return `changes the table ${target}; its own are called ${prefix} or ${prefix}_something.`
  }
  for (const [, parent = '', actions = ''] of sql.matchAll(KEYS)) {
    if (!isOwn(parent, prefix) && !/ON DELETE (CASCADE|SET NULL)/i.test(actions)) {
      return `has a foreign key to ${parent} that would keep rows there from being deleted; add ON DELETE CASCADE.`
    }
  }
  return undefined
}
