import type { FastifyPluginAsyncTypebox, FastifyRequest } from 'birdhouse'
import { Type } from 'typebox'
import { refusePicture, Unsupported } from '../answers.ts'
import { originOf } from '../origin.ts'
import { toOwnAccount } from '../present/accounts.ts'

const text = Type.Optional(Type.String({ maxLength: 20_000 }))
const flag = Type.Optional(Type.Boolean())

/** Other fields, such as `bot`, are ignored. */
const Changes = Type.Object({
  display_name: text,
  note: text,
  locked: flag,
  source: Type.Optional(Type.Object({ privacy: text, sensitive: flag })),
})

/** The own account: to read, to change, and to take its pictures away. */
const profile: FastifyPluginAsyncTypebox = async (app) => {
  const own = async (request: FastifyRequest) =>
    toOwnAccount(app, await app.users.getOwn(request.viewer.userId), originOf(app, request))

  app.get(
    '/api/v1/accounts/verify_credentials',
    { config: { scope: 'read:accounts' } },
    async (request) => own(request),
  )

  app.patch(
    '/api/v1/accounts/update_credentials',
    {
      config: { scope: 'write:accounts', files: ['avatar', 'header'] },
      schema: { body: Changes },
    },
    async (request) => {
      const { display_name: name, note, locked, source } = request.body
      if (locked) throw new Unsupported('Everyone may follow: an account cannot be locked here.')
      if (source?.privacy && source.privacy !== 'public')
        throw new Unsupported('Only public posts are supported, so the default must be public.')
      if (source?.sensitive) throw new Unsupported('Posts cannot be marked as sensitive here.')
      const changes = {
        ...(name !== undefined && { name }),
        ...(note !== undefined && { profile: note }),
      }
      const { userId } = request.viewer
      await app.media
        .setPictures(userId, request.uploads, async (tx) => {
          if (Object.keys(changes).length > 0) await app.users.update(userId, changes, tx)
        })
        .catch(refusePicture)
      return own(request)
    },
  )

  for (const kind of ['avatar', 'header'] as const) {
    app.delete(
      `/api/v1/profile/${kind}`,
      { config: { scope: 'write:accounts' } },
      async (request) => {
        await app.media.removePicture(kind, request.viewer.userId)
        return own(request)
      },
    )
  }
}

export default profile
