import type { FastifyInstance, FastifyReply, FastifyRequest, Resources } from 'birdhouse'
import { Type } from 'typebox'
import { NotFound, Unsupported } from './errors.ts'
import { link, toId } from './paging.ts'
import { accountsOf, toOneStatus, toPage } from './present/statuses.ts'

/** @throws Unsupported for a file that is no picture */
export function refusePicture(error: { code?: string }): never {
  if (error.code !== 'UNSUPPORTED_IMAGE') throw error
  throw new Unsupported('Only pictures are supported: JPEG, PNG, WebP, GIF and AVIF.')
}

export const IdParams = Type.Object({ id: Type.String() })

/** The id in a path. @throws NotFound */
export function idIn({ id }: { id: string }) {
  const number = toId(id)
  if (number === undefined) throw new NotFound()
  return number
}

/** Many of one kind, as `id[]=1&id[]=2`. */
export const Ids = Type.Object({ id: Type.Optional(Type.Array(Type.String(), { maxItems: 200 })) })

export const idsIn = ({ id = [] }: { id?: string[] }) => [
  ...new Set(id.flatMap((one) => toId(one) ?? [])),
]

type Page<Item> = { items: Item[]; nextCursor: string | null; newest?: number | undefined }

export async function sendStatuses(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  page: Page<Resources['Tweet']>,
) {
  link(app, request, reply, page)
  reply.type('application/json; charset=utf-8')
  return toPage(app, request, page.items)
}

export async function sendAccounts(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  page: Page<{ id: number }>,
) {
  link(app, request, reply, page)
  const ids = page.items.map(({ id }) => id)
  const accounts = await accountsOf(app, request, ids)
  return ids.flatMap((id) => accounts.get(id) ?? [])
}

/** A status as it is now. @throws NotFound, also for a deleted one */
export async function sendStatus(app: FastifyInstance, request: FastifyRequest, id: number) {
  const tweet = (await app.tweets.byIds([id], request.viewerId)).get(id)
  const status = tweet && (await toOneStatus(app, request, tweet))
  if (!status) throw new NotFound()
  return status
}
