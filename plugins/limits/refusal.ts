import createError from '@fastify/error'
import type { Limit } from '../config/limits.ts'
import type { Counted } from './counter.ts'

// Fields of draft-ietf-httpapi-ratelimit-headers-10.

const TooManyRequests = createError(
  'TOO_MANY_REQUESTS',
  'There were more than %s from this %s; wait %s seconds.',
  429,
)

/** `RateLimit-Policy`: the limits of a class. */
export const policyOf = (limits: Limit[]) =>
  limits.map(({ name, quota, seconds }) => `"${name}";q=${quota};w=${seconds}`).join(', ')

/** `RateLimit`: how much is left of the limit that is nearest. */
export const stateOf = ({ limit, remaining, seconds }: Counted) =>
  `"${limit.name}";r=${remaining};t=${seconds}`

export const shareLeft = ({ limit, remaining }: Counted) => remaining / limit.quota

/** The error of a request that exceeds a limit, with the headers of its answer. */
export function refusalOf(counted: Counted, policy: string) {
  const { limit, seconds } = counted
  const most = `${limit.quota} ${limit.class} requests in ${limit.seconds} seconds`
  const error = new TooManyRequests(most, limit.by, seconds)
  const headers = {
    'retry-after': String(seconds),
    ratelimit: stateOf(counted),
    'ratelimit-policy': policy,
  }
  return Object.assign(error, { headers })
}
