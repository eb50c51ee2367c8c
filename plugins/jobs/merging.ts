type Call<Item, Result> = { item: Item; result: PromiseWithResolvers<Result> }

/**
 * Merges the calls of one turn of the event loop into one call of `work`, for the handler of a job with a
 * `batch`. Every caller gets the result. When `work` fails, it runs again for each item alone, so that an
 * item that always fails does not fail the others.
 */
export function merging<Item, Result>(work: (items: Item[]) => Promise<Result>) {
  let next: Call<Item, Result>[] | undefined

  async function run(calls: Call<Item, Result>[]) {
    try {
      const value = await work(calls.map(({ item }) => item))
      for (const { result } of calls) result.resolve(value)
    } catch (error) {
      if (calls.length === 1) calls[0]?.result.reject(error)
      else for (const call of calls) await run([call])
    }
  }

  function begin() {
    const calls: Call<Item, Result>[] = []
    setImmediate(() => {
      next = undefined
      void run(calls)
    })
    return calls
  }

  return function add(item: Item) {
    next ??= begin()
    const result = Promise.withResolvers<Result>()
    next.push({ item, result })
    return result.promise
  }
}
