import createError from '@fastify/error'

const NoRoom = createError('NO_ROOM', 'The upload cannot be stored right now; try again.', 503)

/** What a client is told when the temporary folder fails, for whatever cause; that is for the log. */
export const noRoom = (cause: unknown) => Object.assign(new NoRoom(), { cause })
