import createError from '@fastify/error'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Upload } from '../../plugins/multipart/index.ts'
import * as schemas from './schemas.ts'

const FIELD = 'profile-pic'
const MISSING = new Set(['FILE_MISSING', 'NOT_MULTIPART'])

const FileMissing = createError('FILE_MISSING', 'File is missing', 404)

/** Both of the original's locations: the pictures have always been the same to its clients. */
const pictures: FastifyPluginAsyncTypebox = async (app) => {
  const flatSchema = (operationId: string, summary: string) => ({
    tags: ['flat'],
    operationId,
    summary,
  })

  for (const location of ['s3', 'local']) {
    app.post(
      `/profile-picture/${location}`,
      {
        onRequest: app.authenticate,
        ...app.fileRoute,
        schema: {
          ...flatSchema(`flatSetPicture_${location}`, 'Set your profile picture'),
          security: [{ flatToken: [] }],
          consumes: ['multipart/form-data'],
          body: schemas.PictureUpload,
          response: { 200: schemas.Empty, ...schemas.failures(401, 404, 422) },
        },
      },
      async (request, reply) => {
        const { userId } = request.viewer
        const set = (upload: Upload) => app.media.setPicture('avatar', userId, upload)
        await request.withFile(FIELD, set, { others: 'ignored' }).catch((error) => {
          throw MISSING.has(error.code) ? new FileMissing() : error
        })
        return reply.type('text/plain').send('')
      },
    )
  }

  app.get(
    '/profile-picture/s3/:user_id',
    {
      schema: {
        ...flatSchema('flatPictureUrl', 'Where the profile picture is'),
        security: [],
        params: schemas.UserParams,
        response: { 200: schemas.Picture, ...schemas.failures(404) },
      },
    },
    async ({ params }) => ({
      img_url: app.s3.url(await app.media.pictureObject('avatar', params.user_id, 'large')),
    }),
  )

  app.get(
    '/profile-picture/local/:user_id',
    {
      schema: {
        ...flatSchema('flatPicture', 'The profile picture'),
        security: [],
        params: schemas.UserParams,
        response: { 200: schemas.WebP, ...schemas.failures(404) },
      },
    },
    async ({ params }, reply) => {
      const bytes = await app.s3.get(
        await app.media.pictureObject('avatar', params.user_id, 'large'),
      )
      return reply.type('image/webp').send(Buffer.from(bytes))
    },
  )
}

export default pictures
