import { LIMITS } from '../plugins/config/limits.ts'

const ADDRESS = 'address 999999999/min'

/** Settings for tests and benchmarks, whose requests all come from one address. They count, and refuse nothing. */
export const HIGH_LIMITS: Record<string, string> = {
  MAX_REQUESTS: '100000',
  ...Object.fromEntries(
    Object.keys(LIMITS).map((name) => [
      name,
      // Sign-ups have no account.
      name === 'LIMIT_SIGN_UP' ? ADDRESS : `account 999999999/min, ${ADDRESS}`,
    ]),
  ),
}
