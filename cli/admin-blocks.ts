import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { blocksTable } from './admin-output.ts'
import { open } from './admin-session.ts'
import { JSON_OPTION, print, type Session } from './session.ts'
import { wholeNumber } from './whole-number.ts'

const LIMIT_MAX = 100
const REASON = ['--reason <text>', 'kept with the block and in the audit log'] as const

const KINDS = {
  domain: {
    argument: '<domain>',
    description: 'refuse e-mail addresses of a domain and its sub-domains',
  },
  range: {
    argument: '<range>',
    description: 'refuse sign-ups from a range of addresses, such as 192.0.2.0/24',
  },
} as const

export function addBlocks(admin: CommandUnknownOpts, session: Session) {
  for (const kind of Object.keys(KINDS) as (keyof typeof KINDS)[]) {
    admin
      .command(`block-${kind}`)
      .description(KINDS[kind].description)
      .argument(KINDS[kind].argument)
      .requiredOption(...REASON)
      .option(...JSON_OPTION)
      .action(async (value, { reason, ...options }) => {
        const { app } = await open(session)
        const made = await app.signUp.block({ kind, value: String(value), reason })
        print(made, `${made.value} is blocked, block ${made.id}.`, options)
      })
  }

  admin
    .command('blocks')
    .description('list blocked domains and ranges, newest first')
    .option('--limit <number>', `at most ${LIMIT_MAX}`, wholeNumber(LIMIT_MAX), 50)
    .option(...JSON_OPTION)
    .action(async ({ limit, ...options }) => {
      const { app } = await open(session)
      const page = await app.signUp.blocks('active', { limit })
      print(page, blocksTable(page), options)
    })

  admin
    .command('lift-block')
    .description('lift a block of a domain or a range')
    .argument('<id>', 'the number that blocks shows', wholeNumber())
    .requiredOption(...REASON)
    .option(...JSON_OPTION)
    .action(async (id, { reason, ...options }) => {
      const { app } = await open(session)
      await app.signUp.liftBlock(id, reason)
      print({ id }, `Block ${id} is lifted.`, options)
    })
}
