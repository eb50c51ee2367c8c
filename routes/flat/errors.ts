import type { FastifyError, FastifyInstance } from 'birdhouse'

/** The original API answers an error with its status and at most one sentence as plain text. */
export function keepFlatErrors(app: FastifyInstance) {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const { status, detail } = app.errors.report(error, request, reply)
    const sentence = status === 401 ? '' : detail
    return reply.code(status).type('text/plain; charset=utf-8').send(sentence)
  })
}
