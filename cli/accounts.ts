import { and, eq, isNull, type SQL } from 'drizzle-orm'
import type { OpenApp } from './app.ts'

/** Finds an account, suspended or not, by e-mail address, handle or id. */
export async function findAccount({ app }: OpenApp, name: string) {
  const { users } = app.tables
  const by = (condition: SQL) =>
    app.db
      .select({ id: users.id, handle: users.handle, email: users.email, role: users.role })
      .from(users)
      .where(and(condition, isNull(users.deletedAt)))
  const [account] = await by(conditionOf(name))
  if (!account) throw new Error(`No account has the e-mail address, handle or id ${name}.`)
  return account

  function conditionOf(name: string) {
    if (/^\d{1,16}$/.test(name)) return eq(users.id, Number(name))
    if (/.@/.test(name)) return eq(users.email, name.toLowerCase())
    return eq(users.handle, name.replace(/^@/, ''))
  }
}
