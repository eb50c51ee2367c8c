import type { FastifyInstance } from 'birdhouse'
import { type TSchema, Type } from 'typebox'
import { createNotificationSchema, type Kind } from './schemas.ts'

/** The kinds of notifications, declared while services are loaded. */
export function createKinds(app: FastifyInstance) {
  const grouped = new Map<string, boolean>()
  const literals: TSchema[] = []
  app.resources.define(createNotificationSchema(Type.Unsafe<Kind>({ anyOf: literals })))

  /**
   * Declares a kind. The notifications of a grouped kind about the same tweet are one while it is unread.
   * @throws Error when the kind is taken or the routes are loaded already
   */
  function addKind(
    kind: Kind,
    { description, grouped: isGrouped = false }: { description: string; grouped?: boolean },
  ) {
    if (app.getSchema('Notification'))
      throw new Error(`The kind ${kind} is added too late; add it in service, not in index.`)
    if (grouped.has(kind)) throw new Error(`The kind ${kind} is taken; choose another name.`)
    grouped.set(kind, isGrouped)
    literals.push(Type.Literal(kind, { description }))
  }

  return {
    addKind,
    isGrouped: (kind: string) => grouped.get(kind) === true,
    names: () => [...grouped.keys()],
  }
}

export type Kinds = ReturnType<typeof createKinds>
