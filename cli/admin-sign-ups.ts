import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { invitationsTable, signUpsTable } from './admin-output.ts'
import { ACCOUNT, findOne, open } from './admin-session.ts'
import { JSON_OPTION, print, type Session } from './session.ts'
import { wholeNumber } from './whole-number.ts'

const LIMIT_MAX = 100
const LIMIT = ['--limit <number>', `at most ${LIMIT_MAX}`, wholeNumber(LIMIT_MAX), 50] as const
/** Uses of an invitation, and days until it expires, at most; as in /v1/admin/invitations. */
const USES = 1000
const DAYS = 365

/** The queue of SIGN_UP=approved and the invitations of SIGN_UP=invited. */
export function addSignUps(admin: CommandUnknownOpts, session: Session) {
  admin
    .command('sign-ups')
    .description('list accounts that wait for their approval, oldest first')
    .option(...LIMIT)
    .option(...JSON_OPTION)
    .action(async ({ limit, ...options }) => {
      const { app } = await open(session)
      const page = await app.signUp.signUps({ limit })
      print(page, signUpsTable(page), options)
    })

  admin
    .command('approve')
    .description('approve an account, so that it can log in')
    .argument(...ACCOUNT)
    .option(...JSON_OPTION)
    .action(async (name, options) => {
      const opened = await open(session)
      const { id, handle } = await findOne(opened, name)
      await opened.app.signUp.approveSignUp(id)
      print({ id, handle }, `@${handle} is approved.`, options)
    })

  admin
    .command('refuse')
    .description('refuse an account that waits, and erase it')
    .argument(...ACCOUNT)
    .requiredOption('--reason <text>', 'told to the person by mail')
    .option(...JSON_OPTION)
    .action(async (name, { reason, ...options }) => {
      const opened = await open(session)
      const { id, handle } = await findOne(opened, name)
      await opened.app.signUp.refuseSignUp(id, reason)
      print({ id, handle }, `@${handle} is refused and will be erased.`, options)
    })

  admin
    .command('invite')
    .description('make an invitation; prints its code once')
    .option('--uses <number>', 'accounts that may sign up with it', wholeNumber(USES), 1)
    .option('--days <number>', 'days until it expires', wholeNumber(DAYS), 7)
    .option(...JSON_OPTION)
    .action(async ({ uses, days, ...options }) => {
      const { app } = await open(session)
      const made = await app.signUp.invite({ uses, days })
      const text = `The code of invitation ${made.id} is ${made.code}. It expires at ${made.expiresAt}.`
      print(made, text, options)
    })

  admin
    .command('invitations')
    .description('list invitations, newest first')
    .option(...LIMIT)
    .option(...JSON_OPTION)
    .action(async ({ limit, ...options }) => {
      const { app } = await open(session)
      const page = await app.signUp.invitations({ limit })
      print(page, invitationsTable(page), options)
    })

  admin
    .command('revoke-invitation')
    .description('revoke an invitation; the accounts that have used it stay')
    .argument('<id>', 'the number that invitations shows', wholeNumber())
    .option(...JSON_OPTION)
    .action(async (id, options) => {
      const { app } = await open(session)
      await app.signUp.revokeInvitation(id)
      print({ id }, `Invitation ${id} is revoked.`, options)
    })
}
