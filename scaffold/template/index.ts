import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { problems } from 'birdhouse/schemas'
import { Count } from './schemas.ts'

export const kernel = '^KERNEL'

const extName: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/ext-name',
    {
      schema: {
        tags: ['ext-name'],
        operationId: 'countExtName',
        summary: 'Count the tweets seen',
        security: [],
        response: { 200: Count, ...problems() },
      },
    },
    async () => ({ tweets: await app.extName.count() }),
  )
}

export default extName
