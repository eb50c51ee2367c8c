import createError from '@fastify/error'

/** In a file without sharp, so that the service does not load sharp. */
export const BrokenImage = createError(
  'BROKEN_IMAGE',
  'The image cannot be decoded whole: %s.',
  422,
)
