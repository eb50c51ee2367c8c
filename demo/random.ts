export type Random = ReturnType<typeof createRandom>

/** mulberry32: a seed gives the same sequence on every machine, so that all demo data are equal. */
export function createRandom(seed: number) {
  let state = seed

  /** At least 0, below 1. */
  function next() {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  const chance = (probability: number) => next() < probability

  /** An integer, both limits included. */
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1))

  function pick<T>(items: readonly T[]): T {
    const item = items[between(0, items.length - 1)]
    if (item === undefined) throw new Error('The list to pick from is empty.')
    return item
  }

  /** Distinct items, drawn by weight with the method of Efraimidis and Spirakis (2006). */
  function sample<T>(items: readonly T[], count: number, weight: (item: T) => number = () => 1) {
    return items
      .map((item) => ({ item, key: next() ** (1 / weight(item)) }))
      .sort((a, b) => b.key - a.key)
      .slice(0, count)
      .map(({ item }) => item)
  }

  const shuffle = <T>(items: readonly T[]) => sample(items, items.length)

  /** Times from `from` to `to` in milliseconds, ascending. */
  const moments = (count: number, from: number, to: number) =>
    Array.from({ length: count }, () => between(from, to)).sort((a, b) => a - b)

  return { next, chance, between, pick, sample, shuffle, moments }
}
