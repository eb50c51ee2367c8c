import type { Figures } from '../processes/client.ts'
import type { Bench, Server } from '../setup.ts'

export type Line = {
  name: string
  title: string
  a: string
  /** Left out if a is not compared. */
  b?: string
  /** Unit of the figures. */
  unit: 'requests/s' | 'ms' | 'entries/s' | 'MB' | 'statements' | 'statements/s'
  /** Limit of a divided by b, or of a; `below` limits a itself. */
  goal: { atLeast: number } | { atMost: number; below?: number }
  prepare: (bench: Bench) => Promise<Sides>
}
/** Each measures once and returns the figure in the line's unit; both are called in turn. */
export type Sides = {
  a: (round: number) => Promise<number>
  b?: (round: number) => Promise<number>
  /** Runs after each measurement; not measured. */
  after?: () => Promise<void>
  rounds?: number
  /** Warm-up rounds for caches and the compiler: 1, or 0 if there is one round. */
  warmUps?: number
  /** True if a continues after b. */
  bFirst?: boolean
  end?: () => Promise<void>
  /** A figure beside the ratio, in words; called after all rounds. */
  note?: () => string
  /** False if a requirement beside the ratio is missed; called after all rounds. */
  holds?: () => boolean
  /** The process to profile. */
  server?: Server
}

/** Connections of a client that measures requests per second. */
export const CONNECTIONS = 32
/** Warm-up rounds of writes for the compiler; they are short. */
export const WRITE_WARM_UPS = 3
/** Seconds per measurement of reads. */
export const SECONDS = 3

export const rate = async (figures: Promise<Figures>) => (await figures).rate
export const p50 = async (figures: Promise<Figures>) => (await figures).p50
export const p99 = async (figures: Promise<Figures>) => (await figures).p99

/** Always the same numbers: a walk from `from` to `to` in large steps. */
export const spread = (count: number, from: number, to: number) =>
  Array.from({ length: count }, (_, n) => from + ((n * 7_919_111) % (to - from + 1)))
