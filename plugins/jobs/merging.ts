/**
 * Merges the calls of one turn of the event loop into one call of `work`, for the handler of a job with a
 * `batch`. Every caller gets the result or the error.
 */
export function merging<Item, Result>(work: (items: Item[]) => Promise<Result>) {
  let next: { items: Item[]; result: Promise<Result> } | undefined

  function begin() {
    const items: Item[] = []
    const result = new Promise(setImmediate).then(() => {
      next = undefined
      return work(items)
    })
    return { items, result }
  }

  return function add(item: Item) {
    next ??= begin()
    next.items.push(item)
    return next.result
  }
}
