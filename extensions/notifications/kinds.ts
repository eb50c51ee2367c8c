import type { FastifyInstance } from 'birdhouse'
import { type TSchema, Type } from 'typebox'
import { createNotificationSchema, type Kind } from './schemas.ts'

type KindOptions = { description: string; grouped?: boolean; own?: boolean }

/** The kinds of notifications, declared while services are loaded. */
export function createKinds(app: FastifyInstance) {
  const grouped = new Map<string, boolean>()
  const own = new Set<string>()
  const literals: TSchema[] = []
  app.resources.define(createNotificationSchema(Type.Unsafe<Kind>({ anyOf: literals })))

  /**
   * Declares a kind. The notifications of a grouped kind about the same tweet are one while it is unread. The actor
   * of an `own` kind may be the recipient, where nobody is to be named.
   * @throws Error when the kind is taken or the routes are loaded already
   */
  function addKind(
    kind: Kind,
    { description, grouped: isGrouped = false, own: isOwn = false }: KindOptions,
  ) {
    if (app.getSchema('Notification'))
      throw new Error(`The kind ${kind} is added too late; add it in service, not in index.`)
    if (grouped.has(kind)) throw new Error(`The kind ${kind} is taken; choose another name.`)
    grouped.set(kind, isGrouped)
    if (isOwn) own.add(kind)
    literals.push(Type.Literal(kind, { description }))
  }

  return {
    addKind,
    isOwn: (kind: string) => own.has(kind),
    isGrouped: (kind: string) => grouped.get(kind) === true,
    names: () => [...grouped.keys()],
  }
}

export type Kinds = ReturnType<typeof createKinds>
