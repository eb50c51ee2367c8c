import type { FastifyInstance } from 'birdhouse'
import fp from 'fastify-plugin'
import { createAccess } from './access.ts'
import { createAccounts } from './accounts.ts'
import { createAppeals } from './appeals.ts'
import { createAudit } from './audit.ts'
import { createClosing } from './closing.ts'
import { addExports } from './exports.ts'
import { createOwnActs } from './own-acts.ts'
import { ModerationAppeal, ModerationReport } from './queue-schemas.ts'
import { createRemovals } from './removals.ts'
import { createReports } from './reports.ts'
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
  const accounts = createAccounts(app, access, audit)
  const removals = createRemovals(app, access, audit)

  return {
    requireRole: access.requireRole,
    record: audit.record,
    acts: audit.page,
    ownActs: createOwnActs(app, audit.page),
    ...createRoles(app, access, audit),
    ...accounts,
    ...removals,
    ...createReports(app, audit, removals),
    ...createClosing(app, access, audit, { ...accounts, ...removals }),
    ...createAppeals(app, access, audit, accounts),
  }
}

export default fp(
  async (app) => {
    for (const schema of [ModerationAct, ModeratedAccount, ModerationReport, ModerationAppeal])
      app.resources.define(schema)
    app.decorate('moderation', createModeration(app))
    addExports(app)
  },
  {
    name: 'moderation.service',
    dependencies: ['users.service', 'auth.service', 'tweets.service', 'media.service'],
  },
)
