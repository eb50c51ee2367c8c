import createError from '@fastify/error'
import { fastifySSE } from '@fastify/sse'
import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, problems, ref } from 'birdhouse/schemas'
import { Type } from 'typebox'
import { DESCRIPTION, describeEvents, schemasOf } from './schemas.ts'

export const kernel = '^0.3.0'

const NotAcceptable = createError(
  'NOT_ACCEPTABLE',
  'This route answers with text/event-stream only; accept it.',
  406,
)

const live: FastifyPluginAsyncTypebox = async (app) => {
  // pulse.ts sends heartbeats that carry the position of the stream.
  await app.register(fastifySSE, { heartbeatInterval: 0 })
  app.addHook('onRequest', app.authenticate)
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: ref('Problem') } },
  })

  app.get(
    '/live',
    {
      sse: 'manual',
      config: { limit: 'stream' },
      exposeHeadRoute: false,
      schema: {
        tags: ['live'],
        operationId: 'streamLive',
        summary: 'Stream new tweets and notifications',
        description: DESCRIPTION,
        security: BearerAuth,
        headers: Type.Object({
          'last-event-id': Type.Optional(
            Type.String({
              pattern: '^\\d{1,15}$',
              description:
                'The `id` of the last event that you received; the events after it are sent first.',
              examples: ['4711'],
            }),
          ),
        }),
        response: {
          200: {
            description: describeEvents(app.live.kinds),
            content: {
              'text/event-stream': {
                schema: Type.String({ 'x-events': schemasOf(app.live.kinds) }),
              },
            },
          },
          ...problems(401),
          406: problem('`Accept` excludes text/event-stream.'),
          429: problem('You have too many streams open; retry after `Retry-After` seconds.'),
        },
      },
    },
    async (request, reply) => {
      if (!accepts(request.headers.accept)) throw new NotAcceptable()
      const lastId = request.headers['last-event-id']
      await app.live.open(request, reply, lastId === undefined ? undefined : Number(lastId))
    },
  )
}

const accepts = (accept = '*/*') => /\*\/\*|text\/\*|text\/event-stream/i.test(accept)

export default live
