import createError from '@fastify/error'
import type { FastifyInstance } from 'birdhouse'

const Unavailable = createError(
  'PASSKEYS_UNAVAILABLE',
  'Passkeys belong to the address of this server, which its operator must set as PUBLIC_URL. A code can be used meanwhile.',
  503,
)

/** The site that passkeys belong to, and the origins of pages that may use them. */
export function createSite({ config }: FastifyInstance) {
  const { address, corsOrigin } = config

  /** @throws PasskeysUnavailable */
  return function site() {
    if (!address) throw new Unavailable()
    const { origin, hostname } = new URL(address)
    // A page of a subdomain can use passkeys of this site, if the operator lets the page call the API.
    const isWithin = (other: string) => `.${new URL(other).hostname}`.endsWith(`.${hostname}`)
    const others = corsOrigin === '*' ? [] : corsOrigin.filter(isWithin)
    return { id: hostname, name: config.site.name, origins: [origin, ...others] }
  }
}
