import createError from '@fastify/error'

/** In a file without sharp, which the service itself has no need to load. */
export const BrokenImage = createError(
  'BROKEN_IMAGE',
  'The image cannot be decoded whole: %s.',
  422,
)
