import type { IncomingMessage } from 'node:http'
import createError from '@fastify/error'
import type { FastifyRequest } from 'fastify'

export const InvalidUrl = createError(
  'INVALID_URL',
  'The URL is malformed; percent-encode it as UTF-8, and write a percent sign as %25.',
  400,
)

/**
 * Fastify's `rewriteUrl`: escapes a URL that can't be decoded, so that the router finds the intended
 * route and the error has the headers and form of that route.
 */
export const escapeMalformed = ({ url = '/' }: Pick<IncomingMessage, 'url'>) =>
  isDecodable(url) ? url : url.replaceAll('%', '%25')

export const isRewritten = ({ url, originalUrl }: FastifyRequest) => url !== originalUrl

function isDecodable(url: string) {
  if (!url.includes('%')) return true
  try {
    return decodeURIComponent(url) !== ''
  } catch {
    return false
  }
}
