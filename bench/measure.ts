import type { Line, Sides } from './lines/line.ts'
import type { Bench } from './setup.ts'

export type Result = {
  name: string
  title: string
  goal: Line['goal']
  unit: Line['unit']
  a: { what: string; value: number; rounds: number[] }
  b?: { what: string; value: number; rounds: number[] }
  ratio: number
  reached: boolean
  note?: string
  commit?: string
  date?: string
  profile?: string[]
}

const ROUNDS = 5

/** Measures both sides in turn, so that other work of the machine affects both. */
export async function measure(line: Line, sides: Sides, bench: Bench): Promise<Result> {
  const { progress, quick } = bench
  const { rounds: all = ROUNDS, after = async () => {} } = sides
  const count = quick ? 1 : all
  const { warmUps = count > 1 ? 1 : 0 } = sides
  const [a, b]: [number[], number[]] = [[], []]
  const one = async (figures: number[], side: Sides['a'], round: number) => {
    figures.push(await side(round))
    await after()
  }
  const { a: sideA, b: sideB } = sides
  const both = [() => one(a, sideA, a.length)]
  if (sideB) both.push(() => one(b, sideB, b.length))
  if (sides.bFirst) both.reverse()
  for (let round = 1 - warmUps; round <= count; round++) {
    for (const side of both) await side()
    if (round <= 0) a.length = b.length = 0
    else progress(`${line.name} ${round}/${count}: ${pair(a.at(-1), b.at(-1))}`)
  }
  const [first, second] = [median(a), median(b)]
  const ratio = sideB ? first / second : first
  const note = sides.note?.()
  return {
    name: line.name,
    title: line.title,
    goal: line.goal,
    unit: line.unit,
    a: { what: line.a, value: first, rounds: a },
    ...(sideB && { b: { what: line.b ?? '', value: second, rounds: b } }),
    ratio,
    reached: isReached(line.goal, ratio, first) && (sides.holds?.() ?? true),
    ...(note && { note }),
  }
}

function isReached(goal: Line['goal'], ratio: number, value: number) {
  if ('atLeast' in goal) return ratio >= goal.atLeast
  return ratio <= goal.atMost && value < (goal.below ?? Number.POSITIVE_INFINITY)
}

export function median(values: number[]) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = 0, high = 0] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]]
  return (low + high) / 2
}

/** Three significant digits, or the integer. */
export const show = (value = 0) =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(value >= 10 ? 3 : 2)

/** Both figures, or the first alone. */
export const pair = (a?: number, b?: number) =>
  b === undefined ? show(a) : `${show(a)} / ${show(b)}`
