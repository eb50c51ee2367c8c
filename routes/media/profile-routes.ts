import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { BearerAuth, IdParams, NoContent, problems, ref } from '../../plugins/schemas.ts'
import { PictureUpload, SizeQuery } from './schemas.ts'

const KINDS = [
  {
    kind: 'avatar',
    Name: 'Avatar',
    what: 'profile picture',
    pixels: '48, 128 or 400 pixels.',
    shape: 'cropped to centred squares',
  },
  {
    kind: 'header',
    Name: 'Header',
    what: 'header picture',
    pixels: '480, 960 or 1,500 pixels wide.',
    shape: 'cropped to the middle in 3:1',
  },
] as const

/** The pictures of a profile: the same calls for each. */
const profile: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(own)

  for (const { kind, Name, what, pixels } of KINDS) {
    app.get(
      `/users/:id/${kind}`,
      {
        schema: {
          tags: ['media'],
          operationId: `get${Name}`,
          summary: `Redirects to a user's ${what}`,
          security: [],
          params: IdParams,
          querystring: SizeQuery(pixels),
          response: {
            302: Type.Null({ description: 'The picture is at `Location`.' }),
            ...problems(404),
          },
        },
      },
      async ({ params, query }, reply) => {
        const key = await app.media.pictureObject(kind, params.id, query.size)
        // The address changes with the picture, so only the picture may be cached for long.
        reply.header('cache-control', 'public, max-age=60')
        return reply.redirect(app.s3.url(key))
      },
    )
  }
}

const own: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  for (const { kind, Name, what, shape } of KINDS) {
    app.put(
      `/users/me/${kind}`,
      {
        ...app.fileRoute,
        schema: {
          tags: ['media'],
          operationId: `set${Name}`,
          summary: `Set your ${what}`,
          description: `Turned upright, ${shape}, stripped of metadata and stored as WebP; of an animation, the first frame. The bytes decide what the file is.`,
          security: BearerAuth,
          consumes: ['multipart/form-data'],
          body: PictureUpload,
          response: { 200: ref('OwnUser'), ...problems(401, 404, 422) },
        },
      },
      async (request) => {
        const { userId } = request.viewer
        await request.withFile('file', (upload) => app.media.setPicture(kind, userId, upload))
        return app.users.getOwn(userId)
      },
    )

    app.delete(
      `/users/me/${kind}`,
      {
        schema: {
          tags: ['media'],
          operationId: `remove${Name}`,
          summary: `Remove your ${what}`,
          security: BearerAuth,
          response: { 204: NoContent, ...problems(401, 404) },
        },
      },
      async ({ viewer }, reply) => {
        await app.media.removePicture(kind, viewer.userId)
        return reply.code(204).send(null)
      },
    )
  }
}

export default profile
