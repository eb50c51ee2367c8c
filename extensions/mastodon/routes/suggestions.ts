import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { Type } from 'typebox'
import { IdParams, idIn } from '../answers.ts'
import { accountsOf } from '../present/statuses.ts'
import { createSuggestions } from '../suggestions.ts'

const [USUAL, MOST] = [40, 80]
/** The names that older clients know. */
const OLDER = { friends_of_friends: 'past_interactions', most_followed: 'global' } as const

const suggestions: FastifyPluginAsyncTypebox = async (app) => {
  const { suggest, dismiss } = createSuggestions(app)
  const limit = Type.Optional(Type.Integer({ minimum: 0 }))

  for (const version of ['v1', 'v2']) {
    app.get(
      `/api/${version}/suggestions`,
      { config: { scope: 'read:accounts' }, schema: { querystring: Type.Object({ limit }) } },
      async (request) => {
        const { query, viewer } = request
        const found = await suggest(viewer.userId, Math.min(query.limit || USUAL, MOST))
        const accounts = await accountsOf(
          app,
          request,
          found.map(({ id }) => id),
        )
        return found.flatMap(({ id, source }) => {
          const account = accounts.get(id)
          if (!account) return []
          return [
            version === 'v1' ? account : { account, source: OLDER[source], sources: [source] },
          ]
        })
      },
    )
  }

  app.delete(
    '/api/v1/suggestions/:id',
    { config: { scope: 'write:accounts' }, schema: { params: IdParams } },
    async ({ params, viewer }) => {
      await dismiss(viewer.userId, idIn(params))
      return {}
    },
  )
}

export default suggestions
