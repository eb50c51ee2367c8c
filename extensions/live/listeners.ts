import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance, Resources } from 'birdhouse'
import type { Delivery, LiveItem } from './delivery.ts'
import { SLICE } from './streams.ts'

export type Target = 'home' | 'public' | { tag: string }
export type Receive = (item: LiveItem) => void

type Hashtags = { keyOf: (tag: string) => string }
/** The field that the extension hashtags adds. */
type Tagged = { entities?: { hashtags: { tag: string }[] } }

/** Functions of other extensions that hear what streams send. */
export function createListeners(app: FastifyInstance) {
  const keyOf = (tag: string) => `#${app.optional<Hashtags>('hashtags')?.keyOf(tag) ?? tag}`
  const nameOf = (target: Target) => (typeof target === 'string' ? target : keyOf(target.tag))
  /** By the name of the target, then by user. */
  const groups = new Map<string, Map<number, Set<Receive>>>()

  /** Returns the function that removes the listener. */
  function add(userId: number, target: Target, receive: Receive) {
    const name = nameOf(target)
    const group = groups.get(name) ?? new Map<number, Set<Receive>>()
    const own = group.get(userId) ?? new Set()
    const one: Receive = (item) => receive(item)
    groups.set(name, group.set(userId, own.add(one)))
    return () => {
      if (own.delete(one) && own.size === 0) group.delete(userId)
      if (group.size === 0 && groups.get(name) === group) groups.delete(name)
    }
  }

  function users() {
    const { home = [], others = [] } = Object.groupBy(groups, ([name]) =>
      name === 'home' ? 'home' : 'others',
    )
    const idsOf = (some: typeof others) => new Set(some.flatMap(([, group]) => [...group.keys()]))
    return { readers: idsOf(home), viewers: idsOf(others) }
  }

  async function tell(deliveries: Delivery[]) {
    let told = 0
    for (const { item, readers, viewers } of deliveries) {
      for (const [name, userIds] of [['home', readers] as const, ...open(item, viewers)]) {
        for (const userId of userIds) {
          for (const receive of groups.get(name)?.get(userId) ?? []) {
            call(receive, item)
            if (++told % SLICE === 0) await nextTurn()
          }
        }
      }
    }
  }

  /** The groups of everyone's tweets that hear an event: a deleted tweet has no hashtags any more. */
  function open(item: LiveItem, viewers: number[]) {
    if (viewers.length === 0) return []
    const names =
      item.event === 'tweet'
        ? ['public', ...tagsOf(item.data)]
        : [...groups.keys()].filter((name) => name !== 'home')
    return names.map((name) => [name, viewers] as const)
  }

  const tagsOf = ({ entities }: Resources['Tweet'] & Tagged) =>
    new Set(entities?.hashtags.map(({ tag }) => keyOf(tag)))

  function call(receive: Receive, item: LiveItem) {
    try {
      receive(item)
    } catch (error) {
      app.log.error({ err: error, event: item.event }, 'a listener of live events failed')
    }
  }

  return { add, users, tell, isEmpty: () => groups.size === 0 }
}

export type Listeners = ReturnType<typeof createListeners>
