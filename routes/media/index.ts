import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { FILE_BODY_LIMIT } from '../../plugins/multipart.ts'
import { BearerAuth, IdParams, NoContent, problems, ref } from '../../plugins/schemas.ts'
import { AvatarQuery, AvatarUpload } from './schemas.ts'

const media: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(ownAvatar)

  app.get(
    '/users/:id/avatar',
    {
      schema: {
        tags: ['media'],
        operationId: 'getAvatar',
        summary: "Redirects to a user's profile picture",
        security: [],
        params: IdParams,
        querystring: AvatarQuery,
        response: {
          302: Type.Null({ description: 'The picture is at `Location`.' }),
          ...problems(404),
        },
      },
    },
    async ({ params, query }, reply) => {
      const key = await app.media.avatarKey(params.id, query.size)
      // The address changes with the picture, so only the picture may be cached for long.
      reply.header('cache-control', 'public, max-age=60')
      return reply.redirect(app.s3.url(key))
    },
  )
}

const ownAvatar: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.put(
    '/users/me/avatar',
    {
      bodyLimit: FILE_BODY_LIMIT,
      // Documented, not validated: the body is a stream.
      validatorCompiler: () => () => true,
      schema: {
        tags: ['media'],
        operationId: 'setAvatar',
        summary: 'Set your profile picture',
        description:
          'Turned upright, cropped to centred squares, stripped of metadata and stored as WebP. The bytes decide what the file is.',
        security: BearerAuth,
        consumes: ['multipart/form-data'],
        body: AvatarUpload,
        response: { 200: ref('OwnUser'), ...problems(401, 404, 413, 415, 422) },
      },
    },
    async (request) => {
      await app.media.setAvatar(request.viewer.userId, await request.readFile('file'))
      return app.users.getOwn(request.viewer.userId)
    },
  )

  app.delete(
    '/users/me/avatar',
    {
      schema: {
        tags: ['media'],
        operationId: 'removeAvatar',
        summary: 'Remove your profile picture',
        security: BearerAuth,
        response: { 204: NoContent, ...problems(401, 404) },
      },
    },
    async ({ viewer }, reply) => {
      await app.media.removeAvatar(viewer.userId)
      return reply.code(204).send(null)
    },
  )
}

export default media
