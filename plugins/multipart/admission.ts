import createError from '@fastify/error'

/** Most uploads in progress per process; each holds up to 8 MB of disk. */
const LIMIT = 64

const TooManyUploads = createError(
  'TOO_MANY_UPLOADS',
  'Too many uploads are in progress; try again in a moment.',
  503,
)

/** Limits the uploads in progress; further ones are refused before their bodies are read. */
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
