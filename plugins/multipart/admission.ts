import createError from '@fastify/error'

/** Uploads in progress in one process; each holds up to 8 MB of disk. */
const LIMIT = 64

const TooManyUploads = createError(
  'TOO_MANY_UPLOADS',
  'Too many uploads are in progress; try again in a moment.',
  503,
)

/** Lets in so many at once; the next is refused before its body is read. */
export function createAdmission(limit = LIMIT) {
  let inProgress = 0

  /** @throws TooManyUploads */
  return async function admit<T>(work: () => Promise<T>) {
    if (inProgress >= limit) throw new TooManyUploads()
    inProgress++
    try {
      return await work()
    } finally {
      inProgress--
    }
  }
}
