import type { FastifyPluginAsyncTypebox, Upload } from 'birdhouse'
import { BearerAuth, IdParams, NoContent, problems, ref } from 'birdhouse/schemas'
import profile from './profile-routes.ts'
import { ALT_MAX, AltText, MediaUpload, MediaUsage } from './schemas.ts'

const media: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(own)
  await app.register(profile)
}

const own: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.post(
    '/media',
    {
      schema: {
        tags: ['media'],
        operationId: 'createMedia',
        summary: 'Upload a picture for a tweet',
        description:
          'The picture is turned upright, converted to sRGB, stripped of metadata and stored as WebP; animations stay animated. The format is detected from the bytes of the file. A picture that is in no tweet after 24 hours is deleted.',
        security: BearerAuth,
        consumes: ['multipart/form-data'],
        body: MediaUpload,
        response: { 201: ref('Media'), ...problems(401, 403, 404, 422, 429) },
      },
    },
    async (request, reply) => {
      await app.media.assertRoom(request.viewer.userId)
      const create = (upload: Upload) => app.media.create(request.viewer.userId, upload)
      const media = await request.withFile('file', create, { fields: ['alt'] })
      return reply.code(201).header('location', `/v1/media/${media.id}`).send(media)
    },
  )

  app.get(
    '/media/usage',
    {
      schema: {
        tags: ['media'],
        operationId: 'getMediaUsage',
        summary: 'Get the room that your pictures take',
        description: 'Pictures in tweets and in no tweet count; profile pictures do not.',
        security: BearerAuth,
        response: { 200: MediaUsage, ...problems(401) },
      },
    },
    async ({ viewer }) => app.media.usage(viewer.userId),
  )

  app.get(
    '/media/:id',
    {
      schema: {
        tags: ['media'],
        operationId: 'getMedia',
        summary: 'Get your picture',
        description: 'Returns your pictures only; others see a picture in its tweet.',
        security: BearerAuth,
        params: IdParams,
        response: { 200: ref('Media'), ...problems(401, 404) },
      },
    },
    async ({ viewer, params }) => app.media.get(params.id, viewer.userId),
  )

  app.patch(
    '/media/:id',
    {
      schema: {
        tags: ['media'],
        operationId: 'updateMedia',
        summary: 'Set the alternative text of your picture',
        description: `At most ${ALT_MAX.toLocaleString('en')} Unicode code points, counted after NFC normalisation.`,
        security: BearerAuth,
        params: IdParams,
        body: AltText,
        response: { 200: ref('Media'), ...problems(401, 404) },
      },
    },
    async ({ viewer, params, body }) => app.media.setAlt(params.id, viewer.userId, body.alt),
  )

  app.delete(
    '/media/:id',
    {
      schema: {
        tags: ['media'],
        operationId: 'deleteMedia',
        summary: 'Delete a picture that is in no tweet',
        security: BearerAuth,
        params: IdParams,
        response: { 204: NoContent, ...problems(401, 404, 409) },
      },
    },
    async ({ viewer, params }, reply) => {
      await app.media.remove(params.id, viewer.userId)
      return reply.code(204).send(null)
    },
  )
}

export default media
