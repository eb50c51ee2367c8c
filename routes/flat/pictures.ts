import createError from '@fastify/error'
import type { FastifyPluginAsyncTypebox, FastifyReply, FastifyRequest, Upload } from 'birdhouse'
import { createPictureBytes } from './picture-bytes.ts'
import * as schemas from './schemas.ts'

const FIELD = 'profile-pic'
const MISSING = new Set(['FILE_MISSING', 'NOT_MULTIPART'])

const FileMissing = createError('FILE_MISSING', 'File is missing', 404)

/** The original API has two locations, `s3` and `local`; both store and serve the same picture here. */
const pictures: FastifyPluginAsyncTypebox = async (app) => {
  const bytesOf = createPictureBytes(app)

  const flatSchema = (operationId: string, summary: string) => ({
    tags: ['flat'],
    operationId,
    summary,
  })

  const uploadSchema = (operationId: string) => ({
    ...flatSchema(operationId, 'Set your profile picture'),
    security: [{ flatToken: [] }],
    consumes: ['multipart/form-data'],
    body: schemas.PictureUpload,
    response: { 200: schemas.Empty, ...schemas.failures(401, 404, 422, 429) },
  })

  async function setAvatar(request: FastifyRequest, reply: FastifyReply) {
    const { userId } = request.viewer
    const set = (upload: Upload) => app.media.setPicture('avatar', userId, upload)
    await request.withFile(FIELD, set, { others: 'ignored' }).catch((error) => {
      throw MISSING.has(error.code) ? new FileMissing() : error
    })
    return reply.type('text/plain').send('')
  }

  app.post(
    '/profile-picture/s3',
    {
      onRequest: app.authenticate,
      schema: uploadSchema('flatSetPicture_s3'),
    },
    setAvatar,
  )

  app.post(
    '/profile-picture/local',
    {
      onRequest: app.authenticate,
      schema: uploadSchema('flatSetPicture_local'),
    },
    setAvatar,
  )

  app.get(
    '/profile-picture/s3/:user_id',
    {
      schema: {
        ...flatSchema('flatPictureUrl', 'Get the URL of a profile picture'),
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
        ...flatSchema('flatPicture', 'Get a profile picture'),
        security: [],
        params: schemas.UserParams,
        response: { 200: schemas.WebP, ...schemas.failures(404) },
      },
    },
    async ({ params }, reply) => {
      const key = await app.media.pictureObject('avatar', params.user_id, 'large')
      return reply.type('image/webp').send(await bytesOf(key))
    },
  )
}

export default pictures
