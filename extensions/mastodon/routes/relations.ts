import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { Type } from 'typebox'
import { IdParams, idIn, sendAccounts } from '../answers.ts'
import { Unsupported } from '../errors.ts'
import { pageQuery, toPageRequest } from '../paging.ts'
import { toRelationship } from '../present/accounts.ts'

const USUAL = 40

/** Seconds of a mute; 0 is for ever. */
const Act = Type.Object({ duration: Type.Optional(Type.Integer()) })

/** Follow, block, mute and back; each is answered by the relationship as it is then. */
const relations: FastifyPluginAsyncTypebox = async (app) => {
  const { graph } = app
  const acts = {
    follow: [graph.follow, 'write:follows'],
    unfollow: [graph.unfollow, 'write:follows'],
    block: [graph.block, 'write:blocks'],
    unblock: [graph.unblock, 'write:blocks'],
    mute: [graph.mute, 'write:mutes'],
    unmute: [graph.unmute, 'write:mutes'],
    remove_from_followers: [
      (userId: number, otherId: number) => graph.unfollow(otherId, userId),
      'write:follows',
    ],
  } as const
  for (const [name, [act, scope]] of Object.entries(acts)) {
    app.post(
      `/api/v1/accounts/:id/${name}`,
      { config: { scope }, schema: { params: IdParams, body: Act } },
      async ({ body, params, viewer }) => {
        const id = idIn(params)
        if (Object(body).duration > 0)
          throw new Unsupported('Mutes here last until they are taken back: leave the time out.')
        await act(viewer.userId, id)
        const found = await app.users.profilesOf([id], viewer.userId)
        return toRelationship(id, found.get(id))
      },
    )
  }

  const lists = { blocks: graph.blocked, mutes: graph.muted }
  for (const [name, list] of Object.entries(lists)) {
    app.get(
      `/api/v1/${name}`,
      { config: { scope: `read:${name}` }, schema: { querystring: Type.Object(pageQuery) } },
      async (request, reply) => {
        const page = await list(request.viewer.userId, toPageRequest(request.query, USUAL))
        return sendAccounts(app, request, reply, page)
      },
    )
  }
}

export default relations
