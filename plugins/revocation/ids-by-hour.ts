/**
 * Session ids by the hour in which the last access token of the session expires; there are at most 26
 * such hours. An hour is evicted as a whole, so that no check and no eviction walks all ids. An id takes
 * 17 to 33 bytes.
 */
export function createIdsByHour() {
  const hours = new Map<number, Set<number>>()

  function add(hour: number, id: number) {
    const ids = hours.get(hour)
    if (ids) ids.add(id)
    else hours.set(hour, new Set([id]))
  }

  function has(id: number) {
    for (const ids of hours.values()) if (ids.has(id)) return true
    return false
  }

  function size() {
    let sum = 0
    for (const ids of hours.values()) sum += ids.size
    return sum
  }

  function evictBefore(hour: number) {
    for (const one of hours.keys()) if (one < hour) hours.delete(one)
  }

  return { add, has, size, evictBefore, clear: () => hours.clear() }
}
