import { isIP } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import ipaddr from 'ipaddr.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The address a request comes from, in the form of `plainAddress`; empty when it has none. */
    readonly clientAddress: string
  }
}

/** `[address]`, `[address]:port` or an IPv4 address with a port: what proxies write into headers. */
const WITH_PORT = /^(?:\[(?<v6>.+)\](?::\d+)?|(?<v4>[\d.]+):\d+)$/

/**
 * An address in its one form (RFC 5952), so that equal addresses are equal text: without port,
 * brackets and zone, IPv4 within IPv6 as IPv4. Undefined for what is no address.
 */
export function plainAddress(written: string) {
  const { v6, v4 } = WITH_PORT.exec(written)?.groups ?? {}
  const address = v6 ?? v4 ?? written
  return isIP(address) === 0 ? undefined : ipaddr.process(address.replace(/%.*$/, '')).toString()
}

/** Fastify's option `trustProxy` for the setting: proxies are known with a port behind them as well. */
export function trustedProxies(setting: boolean | string[]) {
  if (typeof setting === 'boolean') return setting
  const isTrusted = proxyAddr.compile(setting)
  return (written: string, hop: number) => {
    const address = plainAddress(written)
    return address !== undefined && isTrusted(address, hop)
  }
}

/** Where a proxy wrote no address, such as `unknown`, it is the proxy's own. */
function clientAddress({ ip, ips = [ip] }: FastifyRequest) {
  const addresses = ips.map((written = '') => plainAddress(written))
  return addresses.findLast((address) => address !== undefined) ?? ''
}

/** What the log says of a request: as Fastify's own, but for the address. */
export function serializeRequest(request: FastifyRequest) {
  const { method, url, host, socket } = request
  const port = socket?.remotePort
  const remote = { remoteAddress: clientAddress(request), ...(port && { remotePort: port }) }
  return { method, url, host, ...remote }
}

export default fp(
  async (app) => {
    app.decorateRequest('clientAddress', {
      getter(this: FastifyRequest) {
        return clientAddress(this)
      },
    })
  },
  { name: 'client-address' },
)
