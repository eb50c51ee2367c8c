import type {
  FastifyPluginAsyncTypebox,
  FastifyRequest,
  Resources,
  Upload,
  UploadOptions,
} from 'birdhouse'
import { Type } from 'typebox'
import { IdParams, idIn, refusePicture } from '../answers.ts'
import { originOf } from '../origin.ts'
import { toAttachment } from '../present/media.ts'

const media: FastifyPluginAsyncTypebox = async (app) => {
  const config = { scope: 'write:media' }
  const schema = { params: IdParams }

  const shown = (request: FastifyRequest, picture: Resources['Media']) =>
    toAttachment(app, picture, originOf(app, request))

  // Both answer at once, because a picture is ready when it is stored.
  for (const path of ['/api/v1/media', '/api/v2/media']) {
    app.post(path, { config, schema: { consumes: ['multipart/form-data'] } }, async (request) => {
      const { userId } = request.viewer
      const store = ({ fields: { description = '' }, ...upload }: Upload) =>
        app.media.create(userId, { ...upload, fields: { alt: description } })
      const options: UploadOptions = { fields: ['description'], others: 'ignored' }
      const stored = await request.withFile('file', store, options).catch(refusePicture)
      return shown(request, stored)
    })
  }

  app.get('/api/v1/media/:id', { config, schema }, async (request) =>
    shown(request, await app.media.get(idIn(request.params), request.viewer.userId)),
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
    async (request) => {
      const id = idIn(request.params)
      const { description } = request.body
      const { userId } = request.viewer
      const picture =
        description === undefined
          ? await app.media.get(id, userId)
          : await app.media.setAlt(id, userId, description)
      return shown(request, picture)
    },
  )
}

export default media
