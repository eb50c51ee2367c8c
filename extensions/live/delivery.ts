import type { LiveEvents } from 'fastify'
import { reset } from './frames.ts'

type Name = keyof LiveEvents & string
/** An event with its data. Everyone whom the same data are for gets the same object. */
export type LiveItem =
  | { [Event in Name]: { event: Event; data: LiveEvents[Event] } }[Name]
  | { event: 'reset'; data: object }

/** Users with an open home stream, and those with an open stream of everyone's tweets. */
export type Audience = { readers: number[]; viewers: number[] }
/** An event and whom it is for. An event may have two versions for different people. */
export type Delivery = Audience & {
  seq: number
  item: LiveItem
  /** The event in the form of the stream, made once. */
  bytes: () => Buffer
}

/** Tells these people that they may have missed events up to this number. */
export function resetOf(seq: number, audience: Audience): Delivery {
  const bytes = reset(seq)
  return { ...audience, seq, item: { event: 'reset', data: {} }, bytes: () => bytes }
}
