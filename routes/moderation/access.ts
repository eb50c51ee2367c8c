import createError from '@fastify/error'
import type { FastifyInstance, FastifyRequest } from 'birdhouse'

export type Role = NonNullable<Awaited<ReturnType<FastifyInstance['users']['states']['roleOf']>>>

const RANK: Record<Role, number> = { user: 0, moderator: 1, admin: 2 }

const RoleRequired = createError(
  'ROLE_REQUIRED',
  'This requires the role %s; an administrator can give it to you.',
  403,
)
const HigherRole = createError(
  'HIGHER_ROLE',
  'The account is an administrator; a moderator cannot act on it.',
  403,
)
const NotOnYourself = createError(
  'NOT_ON_YOURSELF',
  'You cannot act on your own account; ask another moderator.',
  403,
)

export function createAccess(app: FastifyInstance) {
  /**
   * Returns an `onRequest` hook for after `authenticate`: requires at least this role. The role is read at each
   * request, so it ends at once. @throws RoleRequired
   */
  const requireRole = (role: Exclude<Role, 'user'>) => async (request: FastifyRequest) => {
    const current = await app.users.states.roleOf(request.viewer.userId)
    if (RANK[current ?? 'user'] < RANK[role]) throw new RoleRequired(role)
  }

  /** `actorId` is undefined on the command line. @throws HigherRole, NotOnYourself */
  async function assertMayActOn(actorId: number | undefined, target: { id: number; role: Role }) {
    if (actorId === undefined) return
    if (actorId === target.id) throw new NotOnYourself()
    const role = await app.users.states.roleOf(actorId)
    if (RANK[role ?? 'user'] < RANK[target.role]) throw new HigherRole()
  }

  return { requireRole, assertMayActOn }
}

export type Access = ReturnType<typeof createAccess>
