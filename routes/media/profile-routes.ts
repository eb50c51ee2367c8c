import type { FastifyPluginAsyncTypebox, FastifyReply } from 'birdhouse'
import { BearerAuth, IdParams, NoContent, problems, ref } from 'birdhouse/schemas'
import { Type } from 'typebox'
import type { Kind } from './profile.ts'
import { PictureUpload, SizeQuery } from './schemas.ts'

const profile: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(own)

  const schema = (operationId: string, summary: string, kind: Kind) => ({
    tags: ['media'],
    operationId,
    summary,
    security: [],
    params: IdParams,
    querystring: SizeQuery(app.users.pictures[kind].sizes),
    response: {
      302: Type.Null({ description: 'The picture is at `Location`.' }),
      ...problems(404),
    },
  })

  function redirect(reply: FastifyReply, key: string) {
    // The URL changes with the picture, so only the picture may be cached for long.
    reply.header('cache-control', 'public, max-age=60')
    return reply.redirect(app.s3.url(key))
  }

  app.get(
    '/users/:id/avatar',
    { schema: schema('getAvatar', "Redirect to a user's profile picture", 'avatar') },
    async ({ params, query }, reply) =>
      redirect(reply, await app.media.pictureObject('avatar', params.id, query.size)),
  )

  app.get(
    '/users/:id/header',
    { schema: schema('getHeader', "Redirect to a user's header picture", 'header') },
    async ({ params, query }, reply) =>
      redirect(reply, await app.media.pictureObject('header', params.id, query.size)),
  )
}

const own: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  const upload = (operationId: string, summary: string, shape: string) => ({
    tags: ['media'],
    operationId,
    summary,
    description: `The picture is turned upright, ${shape}, stripped of metadata and stored as WebP; of an animation, the first frame is kept. The format is detected from the bytes of the file.`,
    security: BearerAuth,
    consumes: ['multipart/form-data'],
    body: PictureUpload,
    response: { 200: ref('OwnUser'), ...problems(401, 404, 422, 429) },
  })

  const deletion = (operationId: string, summary: string) => ({
    tags: ['media'],
    operationId,
    summary,
    security: BearerAuth,
    response: { 204: NoContent, ...problems(401, 404) },
  })

  app.put(
    '/users/me/avatar',
    {
      schema: upload('setAvatar', 'Set your profile picture', 'cropped to centred squares'),
    },
    async (request) => {
      const { userId } = request.viewer
      await request.withFile('file', (file) => app.media.setPicture('avatar', userId, file))
      return app.users.getOwn(userId)
    },
  )

  app.put(
    '/users/me/header',
    {
      schema: upload('setHeader', 'Set your header picture', 'cropped to the middle in 3:1'),
    },
    async (request) => {
      const { userId } = request.viewer
      await request.withFile('file', (file) => app.media.setPicture('header', userId, file))
      return app.users.getOwn(userId)
    },
  )

  app.delete(
    '/users/me/avatar',
    { schema: deletion('removeAvatar', 'Delete your profile picture') },
    async ({ viewer }, reply) => {
      await app.media.removePicture('avatar', viewer.userId)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/users/me/header',
    { schema: deletion('removeHeader', 'Delete your header picture') },
    async ({ viewer }, reply) => {
      await app.media.removePicture('header', viewer.userId)
      return reply.code(204).send(null)
    },
  )
}

export default profile
