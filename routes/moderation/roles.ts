import createError from '@fastify/error'
import type { FastifyInstance } from 'birdhouse'
import type { Access, Role } from './access.ts'
import { type Audit, cleanReason } from './audit.ts'

const SameRole = createError('SAME_ROLE', 'The account has the role %s already.', 409)

type NewAdmin = { name: string; email: string; password: string }

export function createRoles(app: FastifyInstance, access: Access, audit: Audit) {
  const { states } = app.users

  /** @throws UserNotFound, NotOnYourself, HigherRole, SameRole, LastAdmin */
  async function setRole(userId: number, role: Role, actorId?: number, given?: string) {
    const reason = given && cleanReason(app, given)
    await app.transaction(async (tx) => {
      await access.assertMayActOn(actorId, await states.lock(tx, userId))
      if (!(await states.setRole(tx, userId, role))) throw new SameRole(role)
      const target = { kind: 'account', id: userId }
      await audit.record({ actorId, act: `role-${role}`, target, accountId: userId, reason }, tx)
    })
  }

  /** Creates an account that is an administrator. @throws EmailTaken */
  async function createAdmin({ password, ...input }: NewAdmin) {
    const passwordHash = await app.password.hash(password)
    return app.transaction(async (tx) => {
      const id = await app.users.create({ ...input, passwordHash }, tx)
      await states.setRole(tx, id, 'admin')
      const target = { kind: 'account', id }
      await audit.record({ act: 'create-admin', target, accountId: id }, tx)
      return id
    })
  }

  /** For an operator, who gives the new password to its owner. @throws UserNotFound */
  async function resetPassword(userId: number, password: string) {
    const target = { kind: 'account', id: userId }
    await app.auth.resetPassword(userId, password, (tx) =>
      audit.record({ act: 'reset-password', target, accountId: userId }, tx),
    )
  }

  return { setRole, createAdmin, resetPassword }
}
