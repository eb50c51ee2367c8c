import type { FastifyPluginAsyncTypebox, Tx } from 'birdhouse'
import { Handle, Name, Profile } from 'birdhouse/schemas'
import { Type } from 'typebox'
import { profilePage } from '../../pages/settings/profile.ts'
import { settingsPage } from './page.ts'

const KINDS = ['avatar', 'header'] as const
const Ticked = Type.Optional(Type.Literal('true'))

export const profile: FastifyPluginAsyncTypebox = async (app) => {
  const page = settingsPage(app, '/settings/profile', 'Profile', async ({ viewer }, shown) =>
    profilePage(await app.users.getOwn(viewer.userId), shown),
  )

  page.takes('/settings/profile', {
    fields: {
      name: Name,
      handle: Handle,
      profile: Type.Optional(Profile),
      noAvatar: Ticked,
      noHeader: Ticked,
    },
    config: { files: [...KINDS] },
    act: async (request, { name, handle, profile = '', noAvatar, noHeader }) => {
      const { userId } = request.viewer
      const unwanted = { avatar: noAvatar, header: noHeader }
      const isNew = handle !== (await app.users.getOwn(userId)).handle
      const change = async (tx: Tx) => {
        await app.users.update(userId, { name, profile, ...(isNew && { handle }) }, tx)
        for (const kind of KINDS)
          if (unwanted[kind]) await app.media.removePicture(kind, userId, tx)
      }
      await app.media.setPictures(userId, request.uploads, change)
      return {}
    },
  })
}
