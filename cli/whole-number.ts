import { InvalidArgumentError } from '@commander-js/extra-typings'

/** Parses an argument that is a whole number from 1 to `max`. */
export const wholeNumber =
  (max = Number.MAX_SAFE_INTEGER) =>
  (value: string) => {
    const number = /^[1-9]\d*$/.test(value) ? Number(value) : 0
    if (number > 0 && number <= max) return number
    throw new InvalidArgumentError(`Give a whole number from 1 to ${max}.`)
  }
