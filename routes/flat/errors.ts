import type { FastifyError, FastifyInstance } from 'fastify'
import { reportProblem, toProblem } from '../../plugins/errors.ts'

/** The original's way: the status, and at most a sentence. */
export function keepFlatErrors(app: FastifyInstance) {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const { status, detail } = toProblem(error, request.id)
    reportProblem(status, error, request, reply)
    const sentence = status === 401 ? '' : detail
    return reply.code(status).type('text/plain; charset=utf-8').send(sentence)
  })
}
