import type { RawRequestDefaultExpression } from 'fastify'
import { trustedProxies } from './client-address.ts'

// The loader of plugins/ skips this module, which is no Fastify plugin.
export const autoload = false

/** Printable ASCII without spaces; several headers in one are joined by a comma and a space. */
const PRINTABLE = /^[\x21-\x7e]{1,128}$/

/** Returns Fastify's `genReqId`: the `X-Request-Id` of a trusted proxy, or a new id. */
export function createRequestId(trustProxy: boolean | string[]) {
  const trusted = trustedProxies(trustProxy)
  const isTrusted = (address: string) =>
    typeof trusted === 'boolean' ? trusted : trusted(address, 0)

  return ({ headers, socket }: RawRequestDefaultExpression) => {
    const id = headers['x-request-id']
    return typeof id === 'string' && PRINTABLE.test(id) && isTrusted(socket.remoteAddress ?? '')
      ? id
      : crypto.randomUUID()
  }
}
