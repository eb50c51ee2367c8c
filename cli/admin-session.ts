import type { OpenApp } from './app.ts'
import type { Session } from './session.ts'

/** The argument that names an account. */
export const ACCOUNT = ['<account>', 'e-mail address, handle or id'] as const

export async function open(session: Session) {
  const { openApp } = await import('./app.ts')
  const opened = await openApp(session)
  await opened.requireMigrated()
  return opened
}

export async function findOne(opened: OpenApp, name: string) {
  const { findAccount } = await import('./accounts.ts')
  return findAccount(opened, name)
}
