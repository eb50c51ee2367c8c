import createError from '@fastify/error'

export const NotFound = createError('RECORD_NOT_FOUND', 'Record not found', 404)
/** Apps show the sentence of a 422. */
export const Unsupported = createError('UNSUPPORTED', '%s', 422)
