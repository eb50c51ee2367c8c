import { randomBytes } from 'node:crypto'
import { Argument, type Command } from '@commander-js/extra-typings'
import { addBlocks } from './admin-blocks.ts'
import { addModeration } from './admin-moderation.ts'
import { auditTable } from './admin-output.ts'
import { ACCOUNT, findOne, open } from './admin-session.ts'
import { addSignUps } from './admin-sign-ups.ts'
import { JSON_OPTION, print, type Session } from './session.ts'
import { wholeNumber } from './whole-number.ts'

const LIMIT_MAX = 100
const newPassword = () => randomBytes(18).toString('base64url')

/** The acts of moderators for an operator, who has all rights; the audit log shows them without an actor. */
export function addAdmin(program: Command, session: Session) {
  const admin = program
    .command('admin')
    .helpCommand(false)
    .description('administrators, moderation of accounts, sign-ups, reports and the audit log')

  admin
    .command('create-admin')
    .description('create an account that is an administrator; prints its password once')
    .argument('<email>', 'its e-mail address')
    .option('--name <name>', 'its name', 'Administrator')
    .option(...JSON_OPTION)
    .action(async (email, { name, ...options }) => {
      const { app } = await open(session)
      const password = newPassword()
      const id = await app.moderation.createAdmin({ name, email, password })
      const text = `${email} is an administrator with the id ${id}. The password is ${password}`
      print({ id, email, password }, text, options)
    })

  admin
    .command('set-role')
    .description('make an account a user, a moderator or an administrator')
    .argument(...ACCOUNT)
    .addArgument(new Argument('<role>', 'its new role').choices(['user', 'moderator', 'admin']))
    .option('--reason <text>', 'kept in the audit log')
    .option(...JSON_OPTION)
    .action(async (name, role, { reason, ...options }) => {
      const opened = await open(session)
      const { id, handle } = await findOne(opened, name)
      await opened.app.moderation.setRole(id, role, undefined, reason)
      print({ id, handle, role }, `@${handle} has the role ${role}.`, options)
    })

  admin
    .command('audit')
    .description('list the acts of moderators and operators, newest first')
    .option('--account <account>', 'acts that concern this account alone')
    .option('--act <act>', 'acts of this kind alone, such as suspend')
    .option('--limit <number>', `acts to list, at most ${LIMIT_MAX}`, wholeNumber(LIMIT_MAX), 50)
    .option(...JSON_OPTION)
    .action(async ({ account, act, limit, ...options }) => {
      const opened = await open(session)
      const accountId = account && (await findOne(opened, account)).id
      const page = await opened.app.moderation.acts(
        { accountId: accountId || undefined, act },
        { limit },
      )
      print(page, auditTable(page), options)
    })

  admin
    .command('reset-password')
    .description('replace a password and end all sessions; prints the new password once')
    .argument(...ACCOUNT)
    .option(...JSON_OPTION)
    .action(async (name, options) => {
      const opened = await open(session)
      const { id, handle } = await findOne(opened, name)
      const password = newPassword()
      await opened.app.moderation.resetPassword(id, password)
      const text = `The password of @${handle} is ${password}. All its sessions have ended.`
      print({ id, handle, password }, text, options)
    })

  addModeration(admin, session)
  addSignUps(admin, session)
  addBlocks(admin, session)
}
