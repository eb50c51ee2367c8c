import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { and, eq, inArray, isNull } from 'drizzle-orm'
import { Type } from 'typebox'
import { NotFound } from '../errors.ts'
import { toId } from '../paging.ts'
import { accountsOf } from '../present/statuses.ts'

/** Birdhouse's categories by Mastodon's. Rules of the place have no numbers here. */
const CATEGORIES = { spam: 'spam', legal: 'illegal', violation: 'other', other: 'other' } as const

const Report = Type.Object({
  account_id: Type.String(),
  status_ids: Type.Optional(Type.Array(Type.String(), { maxItems: 20 })),
  comment: Type.Optional(Type.String({ maxLength: 4_000 })),
  category: Type.Optional(Type.String()),
})

/** Reports an account, or some of its statuses, to the moderators. */
const reports: FastifyPluginAsyncTypebox = async (app) => {
  const { tweets } = app.tables

  app.post(
    '/api/v1/reports',
    { config: { scope: 'write:reports' }, schema: { body: Report } },
    async (request) => {
      const { account_id, status_ids = [], comment = '', category: named } = request.body
      const accountId = toId(account_id) ?? 0
      const { protocol, host } = request
      // A block between both hides nothing here.
      const anyone = { protocol, host, viewerId: undefined }
      const account = (await accountsOf(app, anyone, [accountId])).get(accountId)
      if (!account) throw new NotFound()
      const isCategory = (name = ''): name is keyof typeof CATEGORIES =>
        Object.hasOwn(CATEGORIES, name)
      const shown = isCategory(named) ? named : 'other'
      const about = { category: CATEGORIES[shown], text: comment }
      const ids = [...new Set(status_ids.map((id) => toId(id) ?? 0))]
      await assertWrittenBy(accountId, ids)
      const targets =
        ids.length > 0
          ? ids.map((id) => ({ kind: 'tweet' as const, id }))
          : [{ kind: 'account' as const, id: accountId }]
      const { userId } = request.viewer
      // All are made, or none.
      const [first] = await app.transaction(async (tx) => {
        const made = []
        for (const target of targets)
          made.push(await app.moderation.report(userId, { ...target, ...about }, tx))
        return made
      })
      return {
        id: String(first?.id),
        action_taken: false,
        action_taken_at: null,
        category: shown,
        comment,
        forwarded: false,
        created_at: first?.createdAt,
        status_ids: ids.map(String),
        rule_ids: [],
        target_account: account,
      }
    },
  )

  /** Also statuses that a block hides from the reporter. @throws NotFound */
  async function assertWrittenBy(authorId: number, ids: number[]) {
    if (ids.length === 0) return
    const written = and(eq(tweets.authorId, authorId), isNull(tweets.deletedAt))
    const found = await app.db
      .select({ id: tweets.id })
      .from(tweets)
      .where(and(inArray(tweets.id, ids), written))
    if (found.length < ids.length) throw new NotFound()
  }
}

export default reports
