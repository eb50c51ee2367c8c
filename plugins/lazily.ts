/** Returns a function that calls `make` at its first call only; each call returns what `make` made. */
export function lazily<Value>(make: () => Value) {
  let made: { value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
