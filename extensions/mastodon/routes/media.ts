import type { FastifyPluginAsyncTypebox, Upload, UploadOptions } from 'birdhouse'
import { Type } from 'typebox'
import { IdParams, idIn, refusePicture } from '../answers.ts'
import { toAttachment } from '../present/media.ts'

const media: FastifyPluginAsyncTypebox = async (app) => {
  const config = { scope: 'write:media' }
  const schema = { params: IdParams }

  // Both answer at once, because a picture is ready when it is stored.
  for (const path of ['/api/v1/media', '/api/v2/media']) {
    app.post(path, { config, schema: { consumes: ['multipart/form-data'] } }, async (request) => {
      const { userId } = request.viewer
      const store = ({ fields: { description = '' }, ...upload }: Upload) =>
        app.media.create(userId, { ...upload, fields: { alt: description } })
      const options: UploadOptions = { fields: ['description'], others: 'ignored' }
      return toAttachment(await request.withFile('file', store, options).catch(refusePicture))
    })
  }

  app.get('/api/v1/media/:id', { config, schema }, async ({ params, viewer }) =>
    toAttachment(await app.media.get(idIn(params), viewer.userId)),
  )

  app.put(
    '/api/v1/media/:id',
    {
      config,
      schema: {
        ...schema,
        body: Type.Object({ description: Type.Optional(Type.String({ maxLength: 5_000 })) }),
      },
    },
    async ({ body, params, viewer }) => {
      const id = idIn(params)
      const { description } = body
      return toAttachment(
        description === undefined
          ? await app.media.get(id, viewer.userId)
          : await app.media.setAlt(id, viewer.userId, description),
      )
    },
  )
}

export default media
