import type { Figures } from '../processes/client.ts'
import type { Bench, Server } from '../setup.ts'

export type Line = {
  name: string
  title: string
  a: string
  b: string
  /** What the figures are. */
  unit: 'requests/s' | 'ms' | 'entries/s' | 'MB'
  /** Of a divided by b; `below` is a bound of a itself. */
  goal: { atLeast: number } | { atMost: number; below?: number }
  prepare: (bench: Bench) => Promise<Sides>
}
/** Each measures once and returns the figure, in the line's unit; called in turn. */
export type Sides = {
  a: (round: number) => Promise<number>
  b: (round: number) => Promise<number>
  /** After each of both, not measured. */
  after?: () => Promise<void>
  rounds?: number
  /** Rounds before those, for caches and the compiler: 1, or none where there is one round. */
  warmUps?: number
  /** Where a goes on from b. */
  bFirst?: boolean
  end?: () => Promise<void>
  /** Whose work shows where the time goes. */
  server?: Server
}

/** Connections of a client where requests a second count. */
export const CONNECTIONS = 32
/** Rounds of writes until the compiler has done what it does for them; they are short. */
export const WRITE_WARM_UPS = 3
/** Seconds of one measurement of readings. */
export const SECONDS = 3

export const rate = async (figures: Promise<Figures>) => (await figures).rate
export const p50 = async (figures: Promise<Figures>) => (await figures).p50
export const p99 = async (figures: Promise<Figures>) => (await figures).p99

/** The same numbers each time: a walk through all from `from` to `to` in large steps. */
export const spread = (count: number, from: number, to: number) =>
  Array.from({ length: count }, (_, n) => from + ((n * 7_919_111) % (to - from + 1)))
