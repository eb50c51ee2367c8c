import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { icon, style } from '../style.ts'

const DAY = 24 * 3600

export const files: FastifyPluginAsyncTypebox = async (app) => {
  const options = { config: { limit: false as const }, schema: { hide: true } }

  app.get('/web/style.css', options, async (_request, reply) =>
    reply
      .header('cache-control', `public, max-age=${365 * DAY}, immutable`)
      .type('text/css; charset=utf-8')
      .send(style),
  )

  app.get('/web/icon.svg', options, async (_request, reply) =>
    reply.header('cache-control', `public, max-age=${DAY}`).type('image/svg+xml').send(icon),
  )
}
