import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, IdParams, NoContent, PageOf, problems } from 'birdhouse/schemas'
import { BlocksQuery, MadeBlock, NewBlock, SignUpBlock, WithReason } from './schemas.ts'

export const blockRoutes: FastifyPluginAsyncTypebox = async (app) => {
  const moderators = { tags: ['moderation'], security: BearerAuth }

  app.get(
    '/admin/sign-up-blocks',
    {
      schema: {
        ...moderators,
        operationId: 'listSignUpBlocks',
        summary: 'List blocked domains and ranges of addresses, newest first',
        querystring: BlocksQuery,
        response: { 200: PageOf(SignUpBlock), ...problems(401, 403) },
      },
    },
    async ({ query }, reply) => reply.sendPage(await app.signUp.blocks(query.state, query)),
  )

  app.post(
    '/admin/sign-up-blocks',
    {
      schema: {
        ...moderators,
        operationId: 'blockSignUps',
        summary: 'Block a domain of e-mail addresses or a range of addresses',
        description:
          'A blocked domain and its sub-domains are refused in sign-ups and as new e-mail addresses; a blocked range is refused in sign-ups alone. Existing accounts stay as they are.',
        body: NewBlock,
        response: { 201: MadeBlock, ...problems(401, 403, 409) },
      },
    },
    async ({ viewer, body }, reply) =>
      reply.code(201).send(await app.signUp.block(body, viewer.userId)),
  )

  app.post(
    '/admin/sign-up-blocks/:id/lift',
    {
      schema: {
        ...moderators,
        operationId: 'liftSignUpBlock',
        summary: 'Lift a block',
        params: IdParams,
        body: WithReason,
        response: { 204: NoContent, ...problems(401, 403, 404) },
      },
    },
    async ({ viewer, params, body }, reply) => {
      await app.signUp.liftBlock(params.id, body.reason, viewer.userId)
      return reply.code(204).send(null)
    },
  )
}
