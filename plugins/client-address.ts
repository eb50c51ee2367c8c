import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import ipaddr from 'ipaddr.js'
import { LRUCache } from 'lru-cache'

declare module 'fastify' {
  interface FastifyInstance {
    networkOf: typeof networkOf
  }
  interface FastifyRequest {
    /** The client's IP address in the form of `plainAddress`; empty when no address is known. */
    readonly clientAddress: string
    /** The network that counts as one client: an IPv4 address, or the /64 of an IPv6 address. */
    readonly clientNetwork: string
  }
}

/** Characters of a URL in the log; cursors and tags are shorter. */
const LOGGED = 500
/** A token in a URL (RFC 6750, section 2.3), as apps send it where a browser sends no headers. */
const TOKEN = /([?&]access_token=)[^&]*/g

/** The forms with a port that proxies write: `[address]`, `[address]:port`, IPv4 address with a port. */
const WITH_PORT = /^(?:\[(?<v6>.+)\](?::\d+)?|(?<v4>[\d.]+):\d+)$/

/**
 * Returns the canonical form of an address (RFC 5952), so that equal addresses are equal text: without
 * port, brackets and zone; IPv4 within IPv6 as IPv4. Returns undefined for anything else.
 */
export function plainAddress(text: string) {
  const { v6, v4 } = WITH_PORT.exec(text)?.groups ?? {}
  const address = v6 ?? v4 ?? text
  return isIP(address) === 0 ? undefined : ipaddr.process(address.replace(/%.*$/, '')).toString()
}

/** Hosts get a /64 (RFC 6177), in which they choose addresses freely. */
const HEXTETS = 4

/** Returns the network of an address that counts as one client. */
export function networkOf(text: string) {
  const address = plainAddress(text) ?? ''
  if (!address.includes(':')) return address
  const { parts } = ipaddr.IPv6.parse(address)
  return `${new ipaddr.IPv6([...parts.slice(0, HEXTETS), 0, 0, 0, 0])}/64`
}

/** Networks by the address of the connection; parsing it would take a microsecond of every request. */
const networks = new LRUCache<string, string>({ max: 5_000, memoMethod: networkOf })

/** Returns Fastify's option `trustProxy` for the setting; also matches addresses that carry a port. */
export function trustedProxies(setting: boolean | string[]) {
  if (typeof setting === 'boolean') return setting
  const isTrusted = proxyAddr.compile(setting)
  return (text: string, hop: number) => {
    const address = plainAddress(text)
    return address !== undefined && isTrusted(address, hop)
  }
}

/** Where a proxy sent no address but a word such as `unknown`, returns the proxy's own address. */
function clientAddress({ ip, ips = [ip] }: FastifyRequest) {
  const addresses = ips.map((text = '') => plainAddress(text))
  return addresses.findLast((address) => address !== undefined) ?? ''
}

export function serializeRequest(request: FastifyRequest) {
  const { method, url, host, socket, raw } = request
  const port = socket?.remotePort
  const remote = { remoteAddress: clientAddress(request), ...(port && { remotePort: port }) }
  return { method, url: shortened(url), host, ...remote, ...traceOf(raw?.headers ?? {}) }
}

/** The ids by which a proxy, a load balancer or a client knows the request. */
const traceOf = ({ traceparent, 'x-amzn-trace-id': amznTraceId }: IncomingHttpHeaders) => ({
  ...(traceparent && { traceparent: shortened(String(traceparent)) }),
  ...(amznTraceId && { amznTraceId: shortened(String(amznTraceId)) }),
})

function shortened(text: string) {
  const shown = text.replace(TOKEN, '$1[hidden]')
  return shown.length > LOGGED ? `${shown.slice(0, LOGGED)}...` : shown
}

export default fp(
  async (app) => {
    app.decorate('networkOf', networkOf)
    app.decorateRequest('clientAddress', {
      getter(this: FastifyRequest) {
        return clientAddress(this)
      },
    })
    app.decorateRequest('clientNetwork', {
      getter(this: FastifyRequest) {
        return networks.memo(this.ips ? clientAddress(this) : (this.ip ?? ''))
      },
    })
  },
  { name: 'client-address' },
)
