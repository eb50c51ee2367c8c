import type { FastifyInstance, FastifyReply, FastifyRequest, PageRequest } from 'birdhouse'
import { Type } from 'typebox'
import { originOf } from './origin.ts'

const MOST = 80

/** Ids are strings of digits; anything else is no id. */
export const toId = (text: string | undefined) =>
  text !== undefined && /^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text))
    ? Number(text)
    : undefined

export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  max_id: Type.Optional(Type.String()),
  since_id: Type.Optional(Type.String()),
  min_id: Type.Optional(Type.String()),
}

type Query = { limit?: number; max_id?: string; since_id?: string; min_id?: string }

/** `since_id` gives the newest items above it, `min_id` those next to it. */
export function toPageRequest(query: Query, usual: number): PageRequest {
  const [since, min] = [toId(query.since_id), toId(query.min_id)]
  return {
    limit: Math.max(1, Math.min(query.limit ?? usual, MOST)),
    below: toId(query.max_id),
    above: min ?? since,
    ascending: min !== undefined,
  }
}

type Positions = { nextCursor: string | null; newest?: number | undefined }

/** Sets the header Link, next first: older versions of masto.js read the first. */
export function link(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  { nextCursor, newest }: Positions,
) {
  const [path, query] = request.url.split('?')
  const kept = new URLSearchParams(query)
  for (const name of ['max_id', 'since_id', 'min_id']) kept.delete(name)
  const base = `${originOf(app, request)}${path}?${kept.size > 0 ? `${kept}&` : ''}`
  const to = (name: string, id: number) => `${base}${name}=${id}`
  const links = [
    ...(nextCursor === null
      ? []
      : [`<${to('max_id', app.pages.positionOf(nextCursor))}>; rel="next"`]),
    ...(newest === undefined ? [] : [`<${to('min_id', newest)}>; rel="prev"`]),
  ]
  if (links.length > 0) reply.header('link', links.join(', '))
}
