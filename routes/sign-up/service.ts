import type { FastifyInstance } from 'birdhouse'
import fp from 'fastify-plugin'
import { Type } from 'typebox'
import { createBlocks } from './blocks.ts'
import { addExports } from './exports.ts'
import { createInvitations } from './invitations.ts'
import { messageOf } from './messages.ts'
import { Terms } from './schemas.ts'
import { createTerms } from './terms.ts'
import { createWaiting } from './waiting.ts'

declare module 'fastify' {
  interface FastifyInstance {
    signUp: ReturnType<typeof createSignUp>
  }
  interface JobPayloads {
    /** The refused account is erased, so the job has the address. `reason` is null for an approval. */
    'signUp.tell': { email: string; reason: string | null }
  }
}

function createSignUp(app: FastifyInstance) {
  const { SIGN_UP: mode, TERMS_VERSION: version, TERMS_URL: url } = app.config['sign-up']
  const { assertValid, redeem, ...invitations } = createInvitations(app)

  const { assertDomainAllowed, assertNetworkAllowed, ...blocks } = createBlocks(app)

  app.auth.addEmailCheck(assertDomainAllowed)
  app.auth.addSignUpRule({ before: ({ address }) => assertNetworkAllowed(address) })
  if (mode === 'invited')
    app.auth.addSignUpRule({
      before: ({ invitation }) => assertValid(invitation),
      within: (tx, userId, { invitation = '' }) => redeem(tx, userId, invitation),
    })
  if (mode === 'approved')
    app.auth.addSignUpRule({ within: (tx, userId) => app.users.states.setWaiting(tx, userId) })

  /** The rules from which a form for sign-ups knows its fields. */
  const rules = { mode, terms: version === undefined ? undefined : { version, url } }

  return { rules, ...createWaiting(app), ...invitations, ...blocks, ...createTerms(app) }
}

export default fp(
  async (app) => {
    app.decorate('signUp', createSignUp(app))
    addExports(app)
    app.resources.addField(['OwnUser'], 'terms', {
      schema: Type.Optional(Terms),
      read: (ids) => app.signUp.termsOf(ids),
    })
    app.jobs.define(
      'signUp.tell',
      ({ email, reason }) => app.mail.send({ to: email, ...messageOf(reason) }),
      app.mail.job,
    )
  },
  {
    name: 'sign-up.service',
    dependencies: [
      'users.service',
      'auth.service',
      'moderation.service',
      'account-mail.service',
      'mail',
    ],
  },
)
