import createError from '@fastify/error'

const NoRoom = createError('NO_ROOM', 'The upload cannot be stored right now; try again.', 503)

/** Returns the error for any failure of the temporary folder; only the log shows its cause. */
export const noRoom = (cause: unknown) => Object.assign(new NoRoom(), { cause })
