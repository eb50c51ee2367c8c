import type { FastifyPluginAsyncTypebox, FastifyRequest } from 'birdhouse'
import { type Static, Type } from 'typebox'
import { refusePicture } from '../answers.ts'
import { Unsupported } from '../errors.ts'
import { languageIn } from '../language.ts'
import { originOf } from '../origin.ts'
import { toOwnAccount } from '../present/accounts.ts'

const text = Type.Optional(Type.String({ maxLength: 20_000 }))
const flag = Type.Optional(Type.Boolean())

/** Other fields, such as `indexable`, are ignored. */
const Changes = Type.Object({
  display_name: text,
  note: text,
  locked: flag,
  hide_collections: flag,
  bot: flag,
  discoverable: flag,
  /** A list of pairs, or an object whose keys are numbers. */
  fields_attributes: Type.Optional(Type.Unknown()),
  source: Type.Optional(Type.Object({ privacy: text, sensitive: flag, language: text })),
})
type Changes = Static<typeof Changes>

/** The own account: to read, to change, and to take its pictures away. */
const profile: FastifyPluginAsyncTypebox = async (app) => {
  const { profiles } = app.mastodon

  async function own(request: FastifyRequest) {
    const { userId } = request.viewer
    const [user, profile] = await Promise.all([app.users.getOwn(userId), profiles.of(userId)])
    return toOwnAccount(app, user, originOf(app, request), profile)
  }

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
      assertSupported(request.body)
      const { display_name: name, note } = request.body
      const ofAccount = {
        ...(name !== undefined && { name }),
        ...(note !== undefined && { profile: note }),
      }
      const ofProfile = toProfile(request.body)
      const { userId } = request.viewer
      await app.media
        .setPictures(userId, request.uploads, async (tx) => {
          if (Object.keys(ofAccount).length > 0) await app.users.update(userId, ofAccount, tx)
          if (Object.keys(ofProfile).length > 0) await profiles.change(tx, userId, ofProfile)
        })
        .catch(refusePicture)
      return own(request)
    },
  )

  const toProfile = ({ bot, discoverable, fields_attributes: fields, source }: Changes) => ({
    ...(bot !== undefined && { isBot: bot }),
    ...(discoverable !== undefined && { isDiscoverable: discoverable }),
    ...(fields !== undefined && { fields: profiles.readFields(fields) }),
    ...(source?.language !== undefined && { language: languageIn(source.language) ?? null }),
  })

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

/** Refuses what would show more than the person wants. @throws Unsupported */
function assertSupported({ locked, hide_collections: isHidden, source }: Changes) {
  if (locked) throw new Unsupported('Everyone may follow: an account cannot be locked here.')
  if (isHidden) throw new Unsupported('Everyone sees whom an account follows here.')
  if (source?.privacy && source.privacy !== 'public')
    throw new Unsupported('Only public posts are supported, so the default must be public.')
  if (source?.sensitive) throw new Unsupported('Posts cannot be marked as sensitive here.')
}

export default profile
