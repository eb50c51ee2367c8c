import type { FastifyInstance } from 'birdhouse'
import type { LiveEvents } from 'fastify'
import type { TSchema } from 'typebox'
import { type Audience, type Delivery, resetOf } from './delivery.ts'
import { frame } from './frames.ts'
import type { LiveEvent } from './journal.ts'

declare module 'fastify' {
  /** Every event of the stream and its data; merge your own. */
  interface LiveEvents {}
}

export type EventName = keyof LiveEvents & string
type Data<Name extends EventName> = LiveEvents[Name] & object
type Definition = {
  /** Markdown, for the documentation of the stream. */
  description: string
  /** Data is serialized by this schema: no other property is sent. */
  schema: TSchema
}
type Show = (events: LiveEvent[], audience: Audience) => Promise<Delivery[]>
type To = Pick<Audience, 'readers'> & Partial<Audience>
type Read<Name extends EventName> = (
  events: { subjectId: number; userId: number }[],
) => Promise<Map<number, Data<Name>>>

/** Milliseconds in which another extension must read the data of its events. */
const LIMIT = 2_000

/** The events of the stream, declared while services are loaded. */
export function createKinds(app: FastifyInstance) {
  const all = new Map<string, Definition & { show: Show }>()

  /**
   * Declares an event whose `show` decides who gets which data. Returns a function that makes a delivery.
   * @throws Error when the name is taken or the routes are loaded already
   */
  function define<Name extends EventName>(name: Name, kind: Definition & { show: Show }) {
    if (app.getSchema('Tweet'))
      throw new Error(`The live event ${name} is added too late; add it in service, not in index.`)
    if (all.has(name)) throw new Error(`The live event ${name} is taken; choose another name.`)
    all.set(name, kind)
    let serialize: (data: unknown) => unknown = JSON.stringify
    // By then all schemas are known that this one may refer to.
    app.addHook('onReady', async () => {
      const { schema } = kind
      serialize = app.serializerCompiler?.({ schema, method: 'GET', url: '/v1/live' }) ?? serialize
    })
    return (seq: number, data: Data<Name>, { readers, viewers = [] }: To): Delivery => {
      let bytes: Buffer | undefined
      const toBytes = () => {
        bytes ??= frame(seq, name, String(serialize(data)))
        return bytes
      }
      // The types of both belong together, which a union cannot express for a name that is a parameter.
      const item = Object.freeze({ event: name, data }) as Delivery['item']
      return { seq, item, readers, viewers, bytes: toBytes }
    }
  }

  /**
   * Declares an event for the streams of one user. `read` is called when events are sent, and returns data
   * by `subjectId`, without subjects that are gone. When it fails or takes longer than 2 s, the streams
   * are told to reload.
   * @throws Error when the name is taken or the routes are loaded already
   */
  function addEvent<Name extends EventName>(
    name: Name,
    { read, ...definition }: Definition & { read: Read<Name> },
  ) {
    const own = app.features.own(read, LIMIT)
    const toDelivery = define(name, { ...definition, show })

    async function show(events: LiveEvent[], audience: Audience): Promise<Delivery[]> {
      const readers = new Set(audience.readers)
      const here = events.filter(({ userId }) => readers.has(userId))
      if (here.length === 0) return []
      try {
        const reads = withDistinctSubjects(here).map(async (some) =>
          toDeliveries(some, await own(some)),
        )
        return (await app.inTime(Promise.all(reads), LIMIT)).flat()
      } catch (error) {
        app.log.error({ err: error, event: name }, 'reading live events failed; clients reload')
        const last = new Map(here.map(({ userId, seq }) => [userId, seq]))
        return [...last].map(([userId, seq]) => resetOf(seq, { readers: [userId], viewers: [] }))
      }
    }

    const toDeliveries = (events: LiveEvent[], found: Map<number, Data<Name>>) =>
      events.flatMap(({ seq, subjectId, userId }) => {
        const data = found.get(subjectId)
        return data ? [toDelivery(seq, data, { readers: [userId] })] : []
      })
  }

  /** Deliveries of events to these people. Events of extensions that are not installed are skipped. */
  async function compose(events: LiveEvent[], audience: Audience) {
    const ofKinds = Map.groupBy(events, ({ kind }) => kind)
    const deliveries = await Promise.all(
      [...ofKinds].map(([kind, some]) => all.get(kind)?.show(some, audience) ?? []),
    )
    return deliveries.flat().sort((a, b) => a.seq - b.seq)
  }

  return { all, define, addEvent, compose }
}

/** Data is read by subject, so events for several users about one subject are read apart. */
function withDistinctSubjects(events: LiveEvent[]) {
  const seen = new Map<number, number>()
  const groups = Map.groupBy(events, ({ subjectId }) => {
    const earlier = seen.get(subjectId) ?? 0
    seen.set(subjectId, earlier + 1)
    return earlier
  })
  return [...groups.values()]
}

export type Kinds = ReturnType<typeof createKinds>
