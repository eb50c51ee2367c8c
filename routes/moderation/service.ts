import type { FastifyInstance } from 'birdhouse'
import fp from 'fastify-plugin'
import { createAccess } from './access.ts'
import { createAccounts } from './accounts.ts'
import { createAudit } from './audit.ts'
import { createRoles } from './roles.ts'
import { ModeratedAccount, ModerationAct } from './schemas.ts'

declare module 'fastify' {
  interface FastifyInstance {
    moderation: ReturnType<typeof createModeration>
  }
  interface EventPayloads {
    /** `accountId` is the account whose owner the act concerns, if any. */
    'moderation.acted': {
      actId: number
      act: string
      accountId: number | null
      targetKind: string
      targetId: number
    }
  }
}

function createModeration(app: FastifyInstance) {
  const access = createAccess(app)
  const { erase, ...audit } = createAudit(app)
  app.users.addEraser(erase)

  return {
    require: access.require,
    record: audit.record,
    acts: audit.page,
    ...createRoles(app, access, audit),
    ...createAccounts(app, access, audit),
  }
}

export default fp(
  async (app) => {
    for (const schema of [ModerationAct, ModeratedAccount]) app.resources.define(schema)
    app.decorate('moderation', createModeration(app))
  },
  { name: 'moderation.service', dependencies: ['users.service', 'auth.service'] },
)
