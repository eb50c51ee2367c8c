/** Splits jobs into lists of one name each, none longer than the batch of that name. */
export function toBatches<Item extends { name: string }>(
  jobs: Item[],
  batchOf: (name: string) => number,
) {
  return [...Map.groupBy(jobs, ({ name }) => name)].flatMap(([name, all]) => {
    const size = batchOf(name)
    return Array.from({ length: Math.ceil(all.length / size) }, (_, n) =>
      all.slice(n * size, (n + 1) * size),
    )
  })
}

export const shuffle = <T>(items: T[]) =>
  items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
