import { Argument, type CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import { appealsTable, reportsTable } from './admin-output.ts'
import { ACCOUNT, findOne, open } from './admin-session.ts'
import { JSON_OPTION, print, type Session } from './session.ts'
import { wholeNumber } from './whole-number.ts'

const LIMIT_MAX = 100
const STATES = ['open', 'closed'] as const
const REASON = ['--reason <text>', 'told to the owner and kept in the audit log'] as const
const LIMIT = ['--limit <number>', `at most ${LIMIT_MAX}`, wholeNumber(LIMIT_MAX), 50] as const

const ACTS = {
  warn: { description: 'warn the owner of an account', done: 'is warned' },
  limit: { description: 'let only followers see the tweets of an account', done: 'is limited' },
  suspend: { description: 'hide an account and end its sessions', done: 'is suspended' },
  restore: { description: 'end a limit or a suspension', done: 'is restored' },
} as const

export function addModeration(admin: CommandUnknownOpts, session: Session) {
  for (const act of Object.keys(ACTS) as (keyof typeof ACTS)[]) {
    admin
      .command(act)
      .description(ACTS[act].description)
      .argument(...ACCOUNT)
      .requiredOption(...REASON)
      .option(...JSON_OPTION)
      .action(async (name, { reason, ...options }) => {
        const opened = await open(session)
        const { id, handle } = await findOne(opened, name)
        const actId = await opened.app.moderation.actOn(act, { userId: id, reason })
        print({ id, handle, act, actId }, `@${handle} ${ACTS[act].done}.`, options)
      })
  }

  admin
    .command('reports')
    .description('list open reports, oldest first, or closed reports, newest first')
    .addOption(
      new Option('--state <state>', 'reports in this state').choices(STATES).default('open'),
    )
    .option(...LIMIT)
    .option(...JSON_OPTION)
    .action(async ({ state, limit, ...options }) => {
      const { app } = await open(session)
      const page = await app.moderation.reports(
        { state: state === 'closed' ? state : 'open' },
        { limit },
      )
      print(page, reportsTable(page), options)
    })

  admin
    .command('close-report')
    .description('close all open reports of the same target by one act')
    .addArgument(new Argument('<id>', 'the number that reports shows').argParser(wholeNumber()))
    .addArgument(
      new Argument('<act>').choices(['none', 'remove', 'warn', 'limit', 'suspend'] as const),
    )
    .requiredOption(...REASON)
    .option(...JSON_OPTION)
    .action(async (id, act, { reason, ...options }) => {
      const { app } = await open(session)
      const actId = await app.moderation.closeReport(id, { act, reason })
      print({ id, act, actId }, `Report ${id} is closed.`, options)
    })

  admin
    .command('appeals')
    .description('list open appeals, oldest first, or answered appeals, newest first')
    .addOption(
      new Option('--state <state>', 'appeals in this state').choices(STATES).default('open'),
    )
    .option(...LIMIT)
    .option(...JSON_OPTION)
    .action(async ({ state, limit, ...options }) => {
      const { app } = await open(session)
      const page = await app.moderation.appeals(state === 'closed' ? state : 'open', { limit })
      print(page, appealsTable(page), options)
    })

  admin
    .command('answer-appeal')
    .description('grant an appeal, which ends a limit or a suspension, or deny it')
    .addArgument(new Argument('<id>', 'the number that appeals shows').argParser(wholeNumber()))
    .addArgument(new Argument('<outcome>').choices(['granted', 'denied'] as const))
    .requiredOption('--answer <text>', 'told to the owner')
    .option(...JSON_OPTION)
    .action(async (id, outcome, { answer, ...options }) => {
      const { app } = await open(session)
      await app.moderation.answerAppeal(id, { outcome, answer })
      print({ id, outcome }, `Appeal ${id} is ${outcome}.`, options)
    })
}
