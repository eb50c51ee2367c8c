import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import type { Quota } from '../config/limits.ts'
import { type Counted, type Counter, createCounter } from './counter.ts'
import { policyOf, refusalOf } from './refusal.ts'
import { createSharedStore } from './shared-store.ts'

/** Has a setting each, see plugins/config/limits.ts. */
export type LimitClass = keyof FastifyInstance['config']['limits']

/** The features count these themselves, with `spend`: only they know the account. */
const COUNTED_BY_FEATURES = new Set<LimitClass>(['login'])
const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

export function createLimits(app: FastifyInstance) {
  const { config } = app
  const store = config.redis && createSharedStore(config.redis, app.log)

  const countersOf = (name: LimitClass, by: Quota['by']) =>
    config.limits[name]
      .filter((quota) => quota.by === by)
      .map((quota) => {
        const limit = { ...quota, class: name, name: `${name}-${by}-${quota.seconds}` }
        return createCounter(limit, store)
      })

  function createClass(name: LimitClass) {
    const [account, address] = [countersOf(name, 'account'), countersOf(name, 'address')]
    const policy = policyOf([...account, ...address].map(({ limit }) => limit))
    return { account, address, policy, isByFeature: COUNTED_BY_FEATURES.has(name) }
  }

  const countRefusal = app.metrics.counter('birdhouse_limited_total', {
    help: 'Requests that were refused with 429 because of a limit, by class.',
    labels: ['class'],
  })

  /** The error of a request that exceeds a limit of a class. */
  function refusal(counted: Counted, policy: string) {
    countRefusal({ class: counted.limit.class })
    return refusalOf(counted, policy)
  }

  // The settings have one entry for each class.
  const names = Object.keys(config.limits) as LimitClass[]
  const classes = new Map(names.map((name) => [name, createClass(name)]))

  /**
   * Counts a request that a class counts only once its feature knows the account.
   * @throws TooManyRequests
   */
  async function spend(name: LimitClass, by: Quota['by'], key: string) {
    const limits = classes.get(name)
    const counted = await count(limits?.[by] ?? [], key)
    const refused = counted.find(({ isRefused }) => isRefused)
    if (limits && refused) throw refusal(refused, limits.policy)
  }

  return {
    spend,
    refusal,
    /** Classes of limits with their counters. */
    classes,
    ready: async () => store?.ready(),
    /** Rejects where Redis does not answer. */
    check: async () => store?.check(),
    close: () => store?.close(),
  }
}

/** Settles at once unless a counter asks the store, so that most requests wait for nothing. */
export function count(counters: Counter[], key: string): Counted[] | Promise<Counted[]> {
  const all = counters.map((counter) => counter.count(key))
  return all.some((one) => one instanceof Promise) ? Promise.all(all) : (all as Counted[])
}

/** Sets the class of a route. @throws Error for a class that does not exist */
export function chooseClass({ limits }: FastifyInstance, route: RouteOptions) {
  const { limit = usualClass(route) } = route.config ?? {}
  if (limit !== false && !limits.classes.has(limit)) {
    const known = [...limits.classes.keys()].join(', ')
    throw new Error(`${route.url} has the limit ${limit}; set it to false or one of ${known}.`)
  }
  route.config = { ...route.config, limit }
  // The document shows the class and declares 429 for it.
  if (route.schema && limit) route.schema = { ...route.schema, ...{ 'x-rate-limit': limit } }
}

function usualClass({ method, schema, config, websocket }: RouteOptions): LimitClass {
  if (websocket) return 'stream'
  const takesFiles = schema?.consumes?.includes('multipart/form-data') || config?.files?.length
  if (takesFiles) return 'upload'
  return [method].flat().every((one) => READS.has(one)) ? 'read' : 'write'
}

/** A request without a route has the class of its method. */
export const classOf = ({ routeOptions: { config }, method }: FastifyRequest) =>
  config.limit ?? (READS.has(method) ? 'read' : 'write')
